// SPDX-License-Identifier: Apache-2.0
// The few string helpers that the shim needs, because it has no C library.
#ifndef INQUEST_TEXT_H
#define INQUEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

static inline bool text_equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

// Whether the `length` bytes at `text` are exactly `other`.
static inline bool text_is(const char *text, size_t length, const char *other) {
  size_t i = 0;
  while (i < length && other[i] && text[i] == other[i]) i++;
  return i == length && !other[i];
}

// What follows `prefix` in `text`, or NULL.
static inline const char *text_after(const char *text, const char *prefix) {
  while (*prefix)
    if (*text++ != *prefix++) return NULL;
  return text;
}

static inline bool text_ends(const char *text, size_t length, const char *suffix) {
  size_t tail = text_length(suffix);
  return length >= tail && text_is(text + length - tail, tail, suffix);
}

// Where the last component of the path of `length` bytes begins.
static inline size_t text_base(const char *path, size_t length) {
  while (length && path[length - 1] != '/') length--;
  return length;
}

static inline bool text_equal_ignoring_case(const char *text, const char *lower) {
  for (; *text && *lower; text++, lower++) {
    char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text;
    if (c != *lower) return false;
  }
  return *text == *lower;
}

enum { DECIMAL_ROOM = 21 };

// Writes `number` into `room` from its end; returns the first digit. Terminated with NUL.
static inline char *text_decimal(char room[DECIMAL_ROOM], unsigned long number) {
  char *next = room + DECIMAL_ROOM - 1;
  *next = 0;
  do *--next = (char)('0' + number % 10);
  while (number /= 10);
  return next;
}

#endif
