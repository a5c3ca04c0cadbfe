// SPDX-License-Identifier: Apache-2.0
// The four variables that enable and name dumps, as the user had them and as we set them.
//
// 6 and later look for DOTNET_x and, only if that is not set, for COMPlus_x; 3.1 and 5 know
// COMPlus_x alone. So "did the user enable dumps?" has two answers, one per generation.
#ifndef INQUEST_ENVIRONMENT_H
#define INQUEST_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "marker.h"

enum variable { DOTNET_ENABLE, COMPLUS_ENABLE, DOTNET_NAME, COMPLUS_NAME, VARIABLES };

struct setting {
  size_t slot;        // its index in the environment; NO_SLOT when absent
  struct value user;  // what the user had
  bool ours;          // what stands there now is not that
};

static const size_t NO_SLOT = (size_t)-1;

struct settings {
  struct setting of[VARIABLES];
};

// The value of `name` (which ends in '='), or NULL. `environment` may be NULL, as in execve.
const char *environment_get(char *const *environment, const char *name);
size_t environment_count(char *const *environment);

// What the user wanted, whether or not somebody's constructor has been here before.
void settings_recover(char *const *environment, struct settings *out);
bool dumps_enabled_for_dotnet(const struct settings *settings);   // 6 and later
bool dumps_enabled_for_complus(const struct settings *settings);  // 3.1 and 5

// "NAME=value" as the user had it.
char *setting_as_the_user_had_it(const struct settings *settings, enum variable variable,
                                 struct arena *arena);

// Edits the process's environment, called once, before there are threads. Never through setenv:
// bash brings its own, which is not ready that early.
void environment_enable_dumps(char ***environment);

// Undoes what an ancestor's constructor did: the off switch, thrown halfway down a process tree.
void environment_put_back(char **environment);

#endif
