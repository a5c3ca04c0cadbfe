// SPDX-License-Identifier: Apache-2.0
// An alternate signal stack of our own for each thread: sigaltstack(2) is not inherited, and on an
// overflown stack no handler runs without one.
#ifndef INQUEST_ALTSTACK_H
#define INQUEST_ALTSTACK_H

#include "signals.h"

// Called by the constructor, in the main thread: makes its stack.
void altstack_prepare(void);

// From now on all memory that is mapped is locked: ours had better not be, and be there all at once.
void altstack_is_locked(void);

// Whether this is the current thread's stack of ours.
bool altstack_is_ours(const struct signal_stack *stack);

// Sets the current thread's stack of ours, if it has one and none is set.
void altstack_restore(void);

// Whether the current thread is in a handler, and its alternate stack too full for ours on top of
// it: the kernel would then kill with SIGSEGV, whatever the signal was.
bool altstack_is_tight(void);

// A new thread's stack, and where that thread is to begin. NULL when there is no memory.
struct new_thread;
struct new_thread *altstack_for_thread(void *start, void *argument);
void altstack_discard(struct new_thread *thread);

// In the new thread: sets its stack, which is freed when the thread ends.
struct beginning {
  void *start, *argument;
};
struct beginning altstack_adopt(struct new_thread *thread);

#endif
