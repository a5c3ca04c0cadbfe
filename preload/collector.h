// SPDX-License-Identifier: Apache-2.0
// Executing the collector, for whoever has found a crash: its environment and its path.
#ifndef INQUEST_COLLECTOR_H
#define INQUEST_COLLECTOR_H

#include "arena.h"
#include "environment.h"

struct collector {
  char *const *environment;    // what it inherits, but for what we change
  char *const *configuration;  // where INQUEST_… is looked up
  struct settings settings;
  struct arena arena;
  void *mapped;  // the arena's memory, `size` bytes, if it had to be mapped
  size_t size;
  const char *self;
};

// Where the dying process's id stands in the collector's arguments: inquest-collector crash --pid
// PID.
enum { COLLECTOR_PID = 3 };

// In the process that will be the collector: makes ready what the functions below need, with room
// for `more_memory` bytes in the arena. Memory is mapped if `spare` is not enough.
void collector_prepare(struct collector *this, char *const *environment, char *const *configuration,
                       size_t more_memory, struct arena spare);

// The environment of the collector, or that of the user's own createdump; NULL: no memory.
char **collector_environment(struct collector *this, bool for_collector);

// Returns, and says so on standard error, when the collector could not be executed.
void collector_execute(struct collector *this, char *const *arguments, char *const *environment);

#endif
