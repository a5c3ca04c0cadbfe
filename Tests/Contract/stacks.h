// SPDX-License-Identifier: Apache-2.0
// Two signal stacks of the program's own, and what is said of them: for altstack.c and onstack.c.
#ifndef CONTRACT_STACKS_H
#define CONTRACT_STACKS_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "contract.h"

enum { ROOM = 65536 };
static char memory[ROOM] __attribute__((aligned(16))), second[ROOM] __attribute__((aligned(16)));

static const char *place(const void *address) {
  uintptr_t at = (uintptr_t)address;
  if (at >= (uintptr_t)memory && at < (uintptr_t)memory + ROOM) return "mine";
  if (at >= (uintptr_t)second && at < (uintptr_t)second + ROOM) return "my second";
  return address ? "elsewhere" : "nowhere";
}

static void say_stack(const char *what, const stack_t *stack) {
  say("%s: %s, flags %#x, size %zu", what, place(stack->ss_sp), (unsigned)stack->ss_flags,
      stack->ss_size);
}

static void query(const char *what) {
  stack_t now;
  memset(&now, 0xff, sizeof now);
  int result = sigaltstack(NULL, &now);
  if (result < 0) say("%s: %s", what, error_name(errno));
  if (result == 0) say_stack(what, &now);
}

static void set(const char *what, void *memory, size_t size, int flags) {
  stack_t wanted = {.ss_sp = memory, .ss_size = size, .ss_flags = flags}, old;
  memset(&old, 0xff, sizeof old);
  errno = 0;
  int result = sigaltstack(&wanted, &old);
  say("%s: %d %s", what, result, error_name(errno));
  if (result == 0) say_stack("old", &old);
}

#endif
