// SPDX-License-Identifier: Apache-2.0
// Memory that is only ever handed out. Running out is remembered, and checked once, at the end.
#ifndef INQUEST_ARENA_H
#define INQUEST_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct arena {
  char *next, *end;
  bool exhausted;
};

// `size` bytes, aligned for a pointer; NULL when there are not so many.
static inline void *arena_take(struct arena *arena, size_t size) {
  size_t padding = -(uintptr_t)arena->next % sizeof(void *);
  size_t left = (size_t)(arena->end - arena->next);
  if (arena->exhausted || left < padding || left - padding < size) {
    arena->exhausted = true;
    return NULL;
  }
  char *start = arena->next + padding;
  arena->next = start + size;
  return start;
}

// Appends bytes right after the last ones; a string is finished with arena_finish.
static inline void arena_put(struct arena *arena, const char *text, size_t length) {
  if (arena->exhausted || (size_t)(arena->end - arena->next) < length) {
    arena->exhausted = true;
    return;
  }
  for (size_t i = 0; i < length; i++) arena->next[i] = text[i];
  arena->next += length;
}

static inline void arena_put_text(struct arena *arena, const char *text) {
  arena_put(arena, text, text_length(text));
}

// Ends the string that began at `start`.
static inline char *arena_finish(struct arena *arena, char *start) {
  arena_put(arena, "", 1);
  return arena->exhausted ? NULL : start;
}

#endif
