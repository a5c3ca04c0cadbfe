// SPDX-License-Identifier: Apache-2.0
// On which stack a handler runs, how much of it there is, and how it is left; overflows.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "stacks.h"

static sigjmp_buf back;

// Many libraries ask for SA_ONSTACK always, whether there is such a stack or not.
static void using_much(int number) {
  volatile char room[64 * 1024];  // half of a thread of musl's
  for (size_t i = 0; i < sizeof room; i += 1024) room[i] = (char)number;
  say("used %zu", sizeof room);
}

static void without_stack_uses_much(void) {
  handle(SIGUSR1, using_much, SA_ONSTACK);
  raise(SIGUSR1);
}

static void *uses_much(void *unused) {
  raise(SIGUSR1);
  return unused;
}

static void without_stack_in_thread(void) {
  pthread_t thread;
  handle(SIGUSR1, using_much, SA_ONSTACK);
  pthread_create(&thread, NULL, uses_much, NULL);
  pthread_join(thread, NULL);
}

static void leaving_thread(int number) {
  (void)number;
  pthread_exit("left");
}

static void *left_by_exit(void *stack) {
  if (stack) set("set", stack, ROOM, 0);
  raise(SIGUSR1);
  return NULL;
}

static void pthread_exit_from_handler(void) {
  void *stacks[] = {NULL, memory};
  handle(SIGUSR1, leaving_thread, SA_ONSTACK);
  for (int i = 0; i < 20; i++) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, left_by_exit, stacks[i % 2]);
    pthread_join(thread, &result);
    say("%s", (char *)result);
  }
}

static void jump_back(int number) {
  char local;
  say("%s on %s", signal_name(number), place(&local));
  siglongjmp(back, 1);
}

static void left_by_jump_repeatedly(void) {
  set("set", memory, ROOM, 0);
  handle(SIGSEGV, jump_back, SA_ONSTACK);
  for (volatile int i = 0; i < 10; i++)
    if (sigsetjmp(back, 1) == 0) *nowhere = 1;
    else query("left");
  set("disable", NULL, 0, SS_DISABLE);
  IN_CHILD("by default") {
    signal(SIGSEGV, SIG_DFL);
    *nowhere = 1;
  }
}

#ifdef __GLIBC__
static void where(int number) {
  char local;
  say("%s on %s", signal_name(number), place(&local));
  query("inside");
}

static ucontext_t here, there;

static void visited(void) {
  for (;;) {
    char local;
    say("outside on %s", place(&local));
    query("outside");
    swapcontext(&there, &here);
  }
}

static void visiting(int number) {
  char local;
  say("%s on %s", signal_name(number), place(&local));
  swapcontext(&here, &there);
  query("back in the handler");
}

static void make_coroutine(void (*body)(void)) {
  getcontext(&there);
  there.uc_stack.ss_sp = second;
  there.uc_stack.ss_size = ROOM;
  makecontext(&there, body, 0);
}

// Out of a handler on the alternate stack by a change of stacks, and back into it.
static void left_by_swapcontext(void) {
  make_coroutine(visited);
  for (int i = 0; i < 3; i++) {
    set("set", memory, ROOM, 0);
    handle(SIGUSR1, visiting, SA_ONSTACK);
    raise(SIGUSR1);
    set("disable", NULL, 0, SS_DISABLE);
    handle(SIGUSR1, visiting, 0);
    raise(SIGUSR1);
  }
}

static void coroutine_body(void) {
  char local;
  say("coroutine on %s", place(&local));
  raise(SIGUSR1);
  *nowhere = 1;
}

static void fault_in_coroutine(void) {
  handle(SIGUSR1, where, 0);
  IN_CHILD("coroutine") {
    make_coroutine(coroutine_body);
    swapcontext(&here, &there);
  }
}
#endif

static void recurse(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  recurse(depth + 1);
  room[1] = room[0];
}

static void overflowed(int number) {
  char local;
  say("%s on %s", signal_name(number), place(&local));
  _exit(42);
}

static void *overflow_in_thread(void *stack) {
  if (stack) set("set", stack, ROOM, 0);
  recurse(0);
  return NULL;
}

static void overflow_with_handler(void) {
  IN_CHILD("main") {
    set("set", memory, ROOM, 0);
    handle(SIGSEGV, overflowed, SA_ONSTACK);
    recurse(0);
  }
  IN_CHILD("thread") {
    pthread_t thread;
    handle(SIGSEGV, overflowed, SA_ONSTACK);
    pthread_create(&thread, NULL, overflow_in_thread, memory);
    pthread_join(thread, NULL);
  }
}

static void overflow_by_default(void) {
  IN_CHILD("main") recurse(0);
  IN_CHILD("thread") {
    pthread_t thread;
    pthread_create(&thread, NULL, overflow_in_thread, NULL);
    pthread_join(thread, NULL);
  }
  IN_CHILD("handler without a stack") {
    handle(SIGSEGV, overflowed, 0);
    recurse(0);
  }
}

static void inside_by_default(int number) {
  (void)number;
  *nowhere = 1;
}

static void fault_on_it(void) {
  IN_CHILD("by default") {
    set("set", memory, ROOM, 0);
    handle(SIGUSR1, inside_by_default, SA_ONSTACK);
    raise(SIGUSR1);
  }
  IN_CHILD("on a small one") {
    set("set", memory, 8192, 0);
    handle(SIGUSR1, inside_by_default, SA_ONSTACK);
    raise(SIGUSR1);
  }
  IN_CHILD("on one without memory") {
    set("set", mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ROOM, 0);
    raise(SIGSEGV);
  }
}

const struct behaviour behaviours[] = {
    {"without-stack-uses-much", without_stack_uses_much},
    {"without-stack-in-thread", without_stack_in_thread},
    {"pthread-exit-from-handler", pthread_exit_from_handler},
    {"left-by-jump-repeatedly", left_by_jump_repeatedly},
#ifdef __GLIBC__
    {"left-by-swapcontext", left_by_swapcontext},
    {"fault-in-coroutine", fault_in_coroutine},
#endif
    {"overflow-with-handler", overflow_with_handler},
    {"overflow-by-default", overflow_by_default},
    {"fault-on-it", fault_on_it},
    {NULL, NULL},
};
