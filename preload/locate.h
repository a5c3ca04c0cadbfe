// SPDX-License-Identifier: Apache-2.0
// Where this library lies, and so the collector.
#ifndef INQUEST_LOCATE_H
#define INQUEST_LOCATE_H

#include <stddef.h>

#include "arena.h"

#define LIBRARY_NAME "libinquest-preload.so"

enum { LONGEST_PATH = 4096, READ_AT_ONCE = 4096 };

// Room that the functions below take from an arena, generously.
enum { LOCATE_ROOM = READ_AT_ONCE + 3 * (LONGEST_PATH + 64) };

// One entry of LD_PRELOAD, which separates them by colons and blanks.
struct preload_entry {
  const char *start;
  size_t length;
};

// Moves on to the next entry of `list`; false at the end. Begin with {list, 0}.
bool preload_next(struct preload_entry *entry);

// Our own path, or NULL.
const char *locate_self(char *const *environment, struct arena *arena);

// Candidate number `index` for the collector, from the path of the library; NULL after the last.
const char *locate_collector(const char *self, unsigned index, struct arena *arena);

#endif
