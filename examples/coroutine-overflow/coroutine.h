// SPDX-License-Identifier: Apache-2.0
// Coroutines: functions with a small stack of their own each, which take turns on a thread.
#ifndef COROUTINE_H
#define COROUTINE_H

#include <stddef.h>
#include <stdint.h>

enum { COROUTINE_LIMIT = 64, COROUTINE_STACK = 64 * 1024 };

// Addresses grow from `guard`, a page that nobody may touch, over `start`, the stack's lowest byte, to `end`.
struct coroutine {
  int number;
  uintptr_t guard, start, end;
  void (*body)(struct coroutine *);
  void *argument;
  void *own_sp, *resumer_sp;  // of whichever does not run
  int is_done;
};

// A new coroutine that has not begun yet; NULL without memory. It may run on any thread.
struct coroutine *coroutine_create(void (*body)(struct coroutine *), void *argument);

// Runs it until it yields or ends.
void coroutine_resume(struct coroutine *coroutine);

// Back to whoever resumed it.
void coroutine_yield(struct coroutine *coroutine);

// The one in whose guard page an address lies, or NULL. May be called in a signal handler.
const struct coroutine *coroutine_guarding(uintptr_t address);

#endif
