// SPDX-License-Identifier: Apache-2.0
// Threads: how they begin and end, their stacks, and how they die with the process.
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <threads.h>

#include "contract.h"

static void *return_it(void *value) { return value; }

static void *run(void *(*body)(void *), void *value) {
  pthread_t thread;
  void *result = NULL;
  require(pthread_create(&thread, NULL, body, value) == 0, "pthread_create");
  require(pthread_join(thread, &result) == 0, "pthread_join");
  return result;
}

static void create_and_join(void) {
  for (intptr_t i = 0; i < 3; i++) say("%ld", (long)(intptr_t)run(return_it, (void *)i));
}

static void *exit_with(void *value) { pthread_exit(value); }
static void exit_value(void) { say("%ld", (long)(intptr_t)run(exit_with, (void *)9)); }

static sem_t begun;

static void clean_up(void *text) { say("cleanup %s", (char *)text); }
static void *with_cleanup(void *unused) {
  pthread_cleanup_push(clean_up, "outer");
  pthread_cleanup_push(clean_up, "inner");
  sem_post(&begun);
  for (;;) pause();
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return unused;
}

static void cancelled(void) {
  pthread_t thread;
  void *result;
  sem_init(&begun, 0, 0);
  pthread_create(&thread, NULL, with_cleanup, NULL);
  sem_wait(&begun);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  say("%d", result == PTHREAD_CANCELED);
}

static volatile int cleaned, spinning = 1;
// musl runs it on a stack that is not aligned: nothing for printing.
static void count_cleaning(void *unused) {
  (void)unused;
  cleaned++;
}
static void *spin(void *unused) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  pthread_cleanup_push(count_cleaning, NULL);
  sem_post(&begun);
  while (spinning) continue;
  pthread_cleanup_pop(0);
  return unused;
}

static void cancelled_asynchronously(void) {
  for (int i = 0; i < 5; i++) {
    pthread_t thread;
    void *result;
    sem_init(&begun, 0, 0);
    pthread_create(&thread, NULL, spin, NULL);
    sem_wait(&begun);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    say("%d, %d cleaned up", result == PTHREAD_CANCELED, cleaned);
  }
}

static void *detached_body(void *unused) {
  sem_post(&begun);
  return unused;
}

static void detached(void) {
  sem_init(&begun, 0, 0);
  for (int i = 0; i < 100; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    require(pthread_create(&thread, &attributes, detached_body, NULL) == 0, "pthread_create");
  }
  for (int i = 0; i < 100; i++) sem_wait(&begun);
  say("all have run");
}

static pthread_t main_thread;
static void *outlive_main(void *unused) {
  say("main joined: %s", error_name(pthread_join(main_thread, NULL)));
  return unused;
}

static void main_exits_first(void) {
  pthread_t thread;
  main_thread = pthread_self();
  pthread_create(&thread, NULL, outlive_main, NULL);
  pthread_exit(NULL);
}

static void *die_after_main(void *unused) {
  pthread_join(main_thread, NULL);
  *nowhere = 1;
  return unused;
}

static void fault_after_main_exited(void) {
  pthread_t thread;
  main_thread = pthread_self();
  pthread_create(&thread, NULL, die_after_main, NULL);
  pthread_exit(NULL);
}

static void *exit_process(void *status) { exit((int)(intptr_t)status); }
static void exit_from_thread(void) {
  IN_CHILD("exit") run(exit_process, (void *)13);
}

static void *raise_in_thread(void *number) {
  raise((int)(intptr_t)number);
  say("not reached");
  return NULL;
}
static void *fault_in_thread(void *unused) {
  *nowhere = 1;
  return unused;
}

static void deaths_in_threads(void) {
  for (int i = 0; i < FATAL; i++)
    IN_CHILD(signal_name(fatal[i])) run(raise_in_thread, (void *)(intptr_t)fatal[i]);
  IN_CHILD("fault") run(fault_in_thread, NULL);
  IN_CHILD("abort") run((void *(*)(void *))(void *)abort, NULL);
}

static pthread_barrier_t barrier;
static void *fault_together(void *unused) {
  pthread_barrier_wait(&barrier);
  *nowhere = 1;
  return unused;
}

static void many_fault_at_once(void) {
  for (int round = 0; round < 10; round++) IN_CHILD("process") {
      pthread_t threads[8];
      pthread_barrier_init(&barrier, NULL, 8);
      for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, fault_together, NULL);
      for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    }
}

static void *leave_errno(void *unused) {
  say("%s", error_name(errno));
  errno = ELOOP;
  return unused;
}
static void errno_per_thread(void) {
  errno = EXDEV;
  pthread_t thread;
  pthread_create(&thread, NULL, leave_errno, NULL);
  pthread_join(thread, NULL);
  say("%s", error_name(errno));
}

static void *say_stack_size(void *unused) {
  pthread_attr_t attributes;
  size_t size, guard;
  void *stack;
  char local;
  require(pthread_getattr_np(pthread_self(), &attributes) == 0, "pthread_getattr_np");
  pthread_attr_getstack(&attributes, &stack, &size);
  pthread_attr_getguardsize(&attributes, &guard);
  bool inside = &local >= (char *)stack && &local < (char *)stack + size;
  say("size %zu guard %zu, %s", size, guard, inside ? "running on it" : "running elsewhere");
  return unused;
}

static void stack_sizes(void) {
  const size_t sizes[] = {PTHREAD_STACK_MIN, 65536, 1 << 20, 64 << 20};
  run(say_stack_size, NULL);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // musl's minimum is too small for printing.
    int result = pthread_attr_setstacksize(&attributes, sizes[i]);
    void *(*body)(void *) = i ? say_stack_size : return_it;
    if (result == 0) result = pthread_create(&thread, &attributes, body, NULL);
    if (result == 0) pthread_join(thread, NULL);
    say("%zu: %s", sizes[i], error_name(result));
  }
}

static char given[256 * 1024] __attribute__((aligned(4096)));
static void *on_given(void *unused) {
  char local;
  say("%s", &local >= given && &local < given + sizeof given ? "on the given stack" : "elsewhere");
  return unused;
}

static void stack_given_by_the_caller(void) {
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, given, sizeof given);
    pthread_create(&thread, &attributes, on_given, NULL);
    pthread_join(thread, NULL);
  }
  IN_CHILD("dying") {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, given, sizeof given);
    pthread_create(&thread, &attributes, fault_in_thread, NULL);
    pthread_join(thread, NULL);
  }
}

static void refused(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  say("%s", error_name(pthread_attr_setstacksize(&attributes, 5)));
  pthread_attr_setstacksize(&attributes, (size_t)1 << 46);
  errno = EXDEV;
  say("%s", error_name(pthread_create(&thread, &attributes, return_it, NULL)));
  say("errno kept or not: %d", errno == EXDEV || errno == ENOMEM);
  say("%ld", (long)(intptr_t)run(return_it, (void *)3));
}

static pthread_key_t keys[3];
static void destroy(void *number) {
  intptr_t value = (intptr_t)number;
  say("destructor %ld", (long)value);
  if (value > 1 && value < 4) pthread_setspecific(keys[0], (void *)(value + 1));
}
static void *with_values(void *unused) {
  pthread_setspecific(keys[0], (void *)2);
  pthread_setspecific(keys[1], (void *)10);
  return unused;
}
static void key_destructors(void) {
  for (int i = 0; i < 3; i++) pthread_key_create(&keys[i], destroy);
  run(with_values, NULL);
  say("%s", pthread_getspecific(keys[0]) ? "set" : "not set in main");
}

static void *fault_in_the_end(void *unused) {
  pthread_setspecific(keys[0], (void *)5);
  return unused;
}
static void fault(void *unused) {
  (void)unused;
  *nowhere = 1;
}
static void fault_in_destructor(void) {
  pthread_key_create(&keys[0], fault);
  IN_CHILD("process") run(fault_in_the_end, NULL);
}

static void *mask_of_thread(void *unused) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  say_set("blocked", &now);
  return unused;
}
static void mask_inherited(void) {
  run(mask_of_thread, NULL);
  for (int i = 0; i < FATAL; i++) block(fatal[i]);
  run(mask_of_thread, NULL);
}

static void *wait_for_signal(void *set) {
  int number;
  sigwait(set, &number);
  say("sigwait %s", signal_name(number));
  return NULL;
}
static void thread_waits_for_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_signal, &set);
  kill(getpid(), SIGSEGV);
  pthread_join(thread, NULL);
}

static void many_one_after_another(void) {
  intptr_t sum = 0;
  for (intptr_t i = 0; i < 2000; i++) sum += (intptr_t)run(return_it, (void *)i);
  say("%ld", (long)sum);
}

static void *wait_at_barrier(void *unused) {
  pthread_barrier_wait(&barrier);
  return unused;
}
static void many_at_once(void) {
  enum { MANY = 300 };
  static pthread_t threads[MANY];
  pthread_barrier_init(&barrier, NULL, MANY + 1);
  for (int i = 0; i < MANY; i++)
    require(pthread_create(&threads[i], NULL, wait_at_barrier, NULL) == 0, "pthread_create");
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < MANY; i++) pthread_join(threads[i], NULL);
  say("all back");
}

static int c11_body(void *value) { return (int)(intptr_t)value; }
static int c11_exit(void *value) { thrd_exit((int)(intptr_t)value); }
static int c11_fault(void *unused) {
  (void)unused;
  *nowhere = 1;
  return 0;
}
static void c11_threads(void) {
  thrd_t thread;
  int result = 0;
  say("%d", thrd_create(&thread, c11_body, (void *)(intptr_t)-77) == thrd_success);
  thrd_join(thread, &result);
  say("%d", result);
  thrd_create(&thread, c11_exit, (void *)(intptr_t)INT_MIN);
  thrd_join(thread, &result);
  say("%d", result);
  IN_CHILD("fault") {
    thrd_create(&thread, c11_fault, NULL);
    thrd_join(thread, NULL);
  }
}

static void *fork_in_thread(void *unused) {
  IN_CHILD("child of a thread") {
    say("%ld", (long)(intptr_t)run(return_it, (void *)4));
    *nowhere = 1;
  }
  return unused;
}
static void forks_in_thread(void) { run(fork_in_thread, NULL); }

static void *kill_thread(void *thread) {
  pthread_kill(*(pthread_t *)thread, SIGABRT);
  return NULL;
}
static void killed_by_another_thread(void) {
  IN_CHILD("main") {
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, kill_thread, &self);
    for (;;) pause();
  }
}

const struct behaviour behaviours[] = {
    {"create-and-join", create_and_join},
    {"exit-value", exit_value},
    {"cancelled", cancelled},
    {"cancelled-asynchronously", cancelled_asynchronously},
    {"detached", detached},
    {"main-exits-first", main_exits_first},
    {"fault-after-main-exited", fault_after_main_exited},
    {"exit-from-thread", exit_from_thread},
    {"deaths-in-threads", deaths_in_threads},
    {"many-fault-at-once", many_fault_at_once},
    {"errno-per-thread", errno_per_thread},
    {"stack-sizes", stack_sizes},
    {"stack-given-by-the-caller", stack_given_by_the_caller},
    {"refused", refused},
    {"key-destructors", key_destructors},
    {"fault-in-destructor", fault_in_destructor},
    {"mask-inherited", mask_inherited},
    {"thread-waits-for-signals", thread_waits_for_signals},
    {"many-one-after-another", many_one_after_another},
    {"many-at-once", many_at_once},
    {"c11", c11_threads},
    {"forks-in-thread", forks_in_thread},
    {"killed-by-another-thread", killed_by_another_thread},
    {NULL, NULL},
};
