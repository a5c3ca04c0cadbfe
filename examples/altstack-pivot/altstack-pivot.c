// SPDX-License-Identifier: Apache-2.0
// A signal handler that never returns, as CoreCLR's: it starts on the alternate signal stack, goes
// back to the stack that faulted, and from there jumps out.
//
//   altstack-pivot detect [COUNT] [--autodisarm]
//   altstack-pivot crash-after-pivot|crash-on-alternate [--thread]
//
// detect: does this platform start the next signal at the top of the alternate stack, because the
// stack pointer lies elsewhere by then? Linux does. One that remembers "on the alternate stack"
// until a handler returns starts it where it must not, and the second or third fault destroys what
// the first one saved. --autodisarm shows such a platform: with SS_AUTODISARM Linux itself forgets
// the alternate stack until the handler returns (sigaltstack(2)).
//
// The crashes are failed checks in the handler, after it has left the alternate stack and before:
// for a debugger, to walk from there to the fault.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pivot.h"

enum { STACK_SIZE = 64 * 1024 };
static const int AUTODISARM = (int)(1u << 31);  // SS_AUTODISARM; not every libc has the name

static enum { LEAVE, FAULT_AGAIN, CRASH_AFTER_PIVOT, CRASH_ON_ALTERNATE } plan;
static int alternate_flags;
static uintptr_t alternate_start;
static sigjmp_buf recovery;

// What the handler saw.
static struct {
  uintptr_t contexts[2];    // where the kernel saved the registers: of a signal, and a nested one
  int depth;                // handlers that run
  bool said_on_alternate;   // what sigaltstack() said before the stacks were changed
  bool said_off_alternate;  // and afterwards
} seen;

static bool is_on_alternate(uintptr_t address) {
  return address >= alternate_start && address < alternate_start + STACK_SIZE;
}

static bool kernel_says_on_alternate(void) {
  stack_t stack = {0};
  sigaltstack(NULL, &stack);
  return stack.ss_flags & SS_ONSTACK;
}

__attribute__((noinline)) static void fault(void) {
  *(volatile int *)(uintptr_t)0x18 = 1;
}

__attribute__((noinline)) static void fail_check(void) {
  __builtin_trap();
}

// The handler's second half, on the stack that faulted: here a runtime looks for a catch block.
__attribute__((noinline)) static void handle_on_faulting_stack(int number, void *info,
                                                               void *context) {
  (void)number, (void)info, (void)context;
  seen.said_off_alternate = !kernel_says_on_alternate();
  if (plan == CRASH_AFTER_PIVOT) fail_check();
  siglongjmp(recovery, 1);
}

static void handle(int number, siginfo_t *info, void *context) {
  seen.contexts[seen.depth++] = (uintptr_t)context;
  seen.said_on_alternate = kernel_says_on_alternate();
  if (seen.depth == 2) siglongjmp(recovery, 1);
  if (plan == FAULT_AGAIN) fault();
  if (plan == CRASH_ON_ALTERNATE) fail_check();

  // All that the kernel saved has to come along: the next signal will overwrite the alternate
  // stack. (After a stack overflow there would be no room for it.)
  struct signal_frame *frame = room_below(stack_pointer_in(context));
  memcpy(frame->info, info, INFO_SIZE);
  memcpy(frame->context, context, CONTEXT_SIZE);
  frame->return_address = (uint64_t)__builtin_return_address(0);
  pivot(frame, number, handle_on_faulting_stack);
}

// Each thread needs an alternate stack of its own.
static void set_alternate_stack(void) {
  void *memory = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = memory, .ss_size = STACK_SIZE, .ss_flags = alternate_flags};
  if (memory == MAP_FAILED || sigaltstack(&stack, NULL)) {
    perror("altstack-pivot: alternate stack");
    exit(2);
  }
  alternate_start = (uintptr_t)memory;
}

// One fault, and back here by the handler.
__attribute__((noinline)) static void survive_fault(void) {
  seen.depth = 0;
  if (!sigsetjmp(recovery, 1)) fault();
}

static int detect(long count) {
  long at_top = 0, elsewhere = 0, outside = 0;
  bool does_kernel_agree = true;
  uintptr_t first = 0;
  for (long i = 0; i < count; i++) {
    survive_fault();
    uintptr_t context = seen.contexts[0];
    if (i == 0) first = context;  // nothing has used the stack yet: this is its top
    if (!is_on_alternate(context))
      outside++;
    else if (context == first)
      at_top++;
    else
      elsewhere++;
    does_kernel_agree = does_kernel_agree && seen.said_on_alternate && seen.said_off_alternate;
  }
  printf("%ld faults; no handler returned\n", count);
  printf("signals that started at the top of the alternate stack: %ld\n", at_top);
  printf("elsewhere on it: %ld, on the stack that faulted: %ld\n", elsewhere, outside);
  printf("sigaltstack() says \"on it\" at first and \"not on it\" after the change of stacks: %s\n",
         does_kernel_agree ? "always" : "not always");

  plan = FAULT_AGAIN;
  survive_fault();
  bool is_nested_below = is_on_alternate(seen.contexts[1]) && seen.contexts[1] < seen.contexts[0];
  printf("a fault on the alternate stack itself: its signal started %s\n",
         is_nested_below ? "below the first one's, on the same stack" : "somewhere else");

  bool is_like_linux = at_top == count && does_kernel_agree && is_nested_below;
  printf("this platform %s each signal at the top of the alternate stack: %s Linux\n",
         is_like_linux ? "starts" : "does not start", is_like_linux ? "like" : "unlike");
  return is_like_linux ? 0 : 1;
}

static void *crash(void *unused) {
  set_alternate_stack();
  printf("alternate stack 0x%lx 0x%lx\n", (unsigned long)alternate_start,
         (unsigned long)alternate_start + STACK_SIZE);
  fflush(stdout);
  fault();
  return unused;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "", *last = argv[argc - 1];
  // SA_NODEFER: the handler will never return, which would unblock the signal.
  struct sigaction action = {.sa_sigaction = handle,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  if (!strcmp(mode, "detect")) {
    if (!strcmp(last, "--autodisarm")) alternate_flags = AUTODISARM;
    set_alternate_stack();
    long count = argc > 2 ? atol(argv[2]) : 0;
    return detect(count > 0 ? count : 10000);
  }
  plan = !strcmp(mode, "crash-after-pivot") ? CRASH_AFTER_PIVOT : CRASH_ON_ALTERNATE;
  if (plan == CRASH_ON_ALTERNATE && strcmp(mode, "crash-on-alternate")) {
    fprintf(stderr,
            "usage: altstack-pivot detect [COUNT] [--autodisarm]\n"
            "       altstack-pivot crash-after-pivot|crash-on-alternate [--thread]\n");
    return 2;
  }
  pthread_t thread;
  if (strcmp(last, "--thread")) {
    crash(NULL);
  } else if (!pthread_create(&thread, NULL, crash, NULL)) {
    pthread_join(thread, NULL);
  }
  return 2;
}
