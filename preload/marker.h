// SPDX-License-Identifier: Apache-2.0
// What the user wanted, kept in the spelling of the dump's name.
//
// The constructor turns dumps on so that the runtime launches createdump at all. A child process
// inherits that, and its constructor must not believe that the user had asked for dumps. A variable
// of our own would be inherited by every child and by other tools; the name of the dump is there
// anyway, reaches createdump's arguments, and can be spelled so that it means the same file:
//
//   the user enabled dumps,  named X   "/d/core" → "/d/.//./core",  "core" → "././/././core"
//                            unnamed   <TMPDIR or /tmp>/.//.//./coredump.%d
//   the user did not         named X   /dev/null/.//.[=V]/X
//                            unnamed   /dev/null/.//.[=V]
//
// V is what the enabling variable held (left out if it was not set). Nothing can be created below
// /dev/null: a runtime that never passes our hook (a single-file application has createdump linked
// in) writes no dump that nobody asked for.
#ifndef INQUEST_MARKER_H
#define INQUEST_MARKER_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

// A value of an environment variable in two pieces, so that a middle can be cut out without memory.
struct value {
  bool set;
  const char *head;  // `head_length` bytes
  size_t head_length;
  const char *tail;  // up to its NUL
};

enum mark { UNMARKED, DUMPS_NOT_WANTED, DUMPS_NAMED, DUMPS_UNNAMED };

struct marked_name {
  enum mark mark;
  struct value name;    // what the user had
  struct value enable;  // DUMPS_NOT_WANTED: what the enabling variable held
};

// A name longer than this cannot be opened and is not marked. That costs: if dumps were not wanted,
// this generation of runtimes is not enabled; if they were, 3.1 and 5 start the real createdump.
enum { LONGEST_NAME = 4096, LONGEST_KEPT_ENABLE = 64 };

struct value value_of(const char *text);  // NULL: not set
void value_put(struct arena *arena, const struct value *value);
size_t value_length(const struct value *value);

void marker_read(const char *name, struct marked_name *out);
bool marker_put_wanted(struct arena *arena, const struct value *name, const char *directory);
bool marker_put_unwanted(struct arena *arena, const struct value *enable, const struct value *name);

#endif
