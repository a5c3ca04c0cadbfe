// SPDX-License-Identifier: Apache-2.0
// What a program with INQUEST_CATCH=1 sees of its signals: exactly what it would see without us.
// Where we do not catch, these hooks call the next function and do nothing else.
#include "altstack.h"
#include "catch.h"
#include "defaults.h"
#include "exported.h"
#include "machine.h"
#include "next.h"

enum { TRY_AGAIN = 11, NOT_IMPLEMENTED = 38 };  // EAGAIN, ENOSYS

static int not_there(void) {
  set_errno(NOT_IMPLEMENTED);
  return -1;
}

static void disguise(struct libc_action *old) {
  unsigned long flags;
  signal_set mask;
  if (!is_entry(old->handler, &flags, &mask)) return;
  bool untouched = old->handler == entry_for_untouched_default();
  old->handler = ACTION_DEFAULT;
  // A default set by libc has libc's restorer, which stands there still.
  old->flags = untouched ? 0 : (int)(flags | ((unsigned)old->flags & WITH_RESTORER));
  old->mask[0] = mask;
  if (old->restorer == MACHINE_RESTORER) old->restorer = NULL;
}

// False where the program's own action, the default, had better stay what it is.
static bool put_ours(const struct libc_action *action, struct libc_action *ours) {
  if (altstack_is_tight()) return false;
  struct kernel_action caught = caught_action((unsigned)action->flags, action->mask[0]);
  if (caught.handler == ACTION_DEFAULT) return false;
  ours->handler = caught.handler;
  ours->flags = (int)caught.flags;
  ours->restorer = NULL;
  for (size_t i = 0; i < sizeof ours->mask / sizeof *ours->mask; i++) ours->mask[i] = caught.mask;
  return true;
}

EXPORTED int sigaction(int number, const struct libc_action *action, struct libc_action *old) {
  const struct next_functions *next = next_functions();
  struct libc_action ours;
  if (!next->sigaction) return not_there();
  if (is_caught(number) && action && action->handler == ACTION_DEFAULT && put_ours(action, &ours))
    action = &ours;
  int result = next->sigaction(number, action, old);
  if (result == 0 && old) disguise(old);
  return result;
}

EXPORTED int __sigaction(int number, const struct libc_action *action, struct libc_action *old)
    __attribute__((alias("sigaction")));

typedef signal_handler (*setter)(int, signal_handler);

static signal_handler set_with(setter set, int number, signal_handler handler) {
  unsigned long flags;
  signal_set mask;
  if (!set) return not_there(), ACTION_ERROR;
  signal_handler old = set(number, handler);
  if (is_caught(number) && handler == ACTION_DEFAULT && !altstack_is_tight()) catch_again(number);
  return is_entry(old, &flags, &mask) ? ACTION_DEFAULT : old;
}

EXPORTED signal_handler signal(int number, signal_handler handler) {
  return set_with(next_functions()->signal, number, handler);
}

EXPORTED signal_handler bsd_signal(int number, signal_handler handler) {
  return set_with(next_functions()->bsd_signal, number, handler);
}

EXPORTED signal_handler ssignal(int number, signal_handler handler) {
  return set_with(next_functions()->ssignal, number, handler);
}

EXPORTED signal_handler sysv_signal(int number, signal_handler handler) {
  return set_with(next_functions()->sysv_signal, number, handler);
}

EXPORTED signal_handler __sysv_signal(int number, signal_handler handler) {
  return set_with(next_functions()->__sysv_signal, number, handler);
}

EXPORTED signal_handler sigset(int number, signal_handler handler) {
  return set_with(next_functions()->sigset, number, handler);
}

EXPORTED int sigaltstack(const struct signal_stack *stack, struct signal_stack *old) {
  const struct next_functions *next = next_functions();
  if (!next->sigaltstack) return not_there();
  int result = next->sigaltstack(stack, old);
  if (result || !is_catching()) return result;
  if (old && altstack_is_ours(old)) *old = (struct signal_stack){.flags = STACK_DISABLED};
  if (stack) altstack_restore();
  return 0;
}

// On what is left of its alternate stack a handler can call abort, but ours would find no room.
EXPORTED void abort(void) {
  const struct next_functions *next = next_functions();
  if (is_caught(ABORTED) && altstack_is_tight()) catch_no_more(ABORTED);
  if (next->abort)
    next->abort();  // a jump, which leaves no frame of ours in a backtrace
  else
    kernel_exit(134);
}

// Strict seccomp leaves a thread with four calls, none of which starts a collector: the first other
// one would kill with SIGKILL.
EXPORTED int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  enum { SET_SECCOMP = 22, STRICT = 1 };
  const struct next_functions *next = next_functions();
  if (!next->prctl) return not_there();
  if (option == SET_SECCOMP && a == STRICT && is_catching()) catch_nothing_more();
  return next->prctl(option, a, b, c, d);
}

EXPORTED int mlockall(int flags) {
  enum { FUTURE = 2 };  // MCL_FUTURE
  const struct next_functions *next = next_functions();
  if (!next->mlockall) return not_there();
  int result = next->mlockall(flags);
  if (result == 0 && flags & FUTURE) altstack_is_locked();
  return result;
}

// Both end in a jump: a thread's backtrace shows no frame of ours.
static void *run_thread(void *new_thread) {
  struct beginning beginning = altstack_adopt(new_thread);
  return ((thread_start)(uintptr_t)beginning.start)(beginning.argument);
}

static int run_c11_thread(void *new_thread) {
  struct beginning beginning = altstack_adopt(new_thread);
  return ((c11_thread_start)(uintptr_t)beginning.start)(beginning.argument);
}

EXPORTED int pthread_create(void *thread, const void *attributes, thread_start start,
                            void *argument) {
  const struct next_functions *next = next_functions_with_threads();
  if (!next->pthread_create) return TRY_AGAIN;
  struct new_thread *ours =
      is_catching() ? altstack_for_thread((void *)(uintptr_t)start, argument) : NULL;
  if (!ours) return next->pthread_create(thread, attributes, start, argument);
  int result = next->pthread_create(thread, attributes, run_thread, ours);
  if (result) altstack_discard(ours);
  return result;
}

EXPORTED int thrd_create(void *thread, c11_thread_start start, void *argument) {
  const struct next_functions *next = next_functions_with_threads();
  const int c11_error = 2;  // thrd_error, in glibc and in musl
  if (!next->thrd_create) return c11_error;
  struct new_thread *ours =
      is_catching() ? altstack_for_thread((void *)(uintptr_t)start, argument) : NULL;
  if (!ours) return next->thrd_create(thread, start, argument);
  int result = next->thrd_create(thread, run_c11_thread, ours);
  if (result) altstack_discard(ours);
  return result;
}
