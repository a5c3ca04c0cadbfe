// SPDX-License-Identifier: Apache-2.0
// Alternate signal stacks: what is reported, refused and inherited.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "stacks.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)  // linux/signal.h
#endif

static void at_start(void) { query("main"); }

static void set_and_query(void) {
  set("set", memory, ROOM, 0);
  query("now");
  set("again", second, ROOM / 2, 0);
  query("now");
  set("disabled", NULL, 0, SS_DISABLE);
  query("now");
  set("disabled again", memory, 5, SS_DISABLE);
  query("now");
}

static void sizes(void) {
  const size_t each[] = {0, 1, 1024, 2047, 2048, 4096, ROOM};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    set("set", memory, each[i], 0);
    query("now");
  }
}

static void wrong_flags(void) {
  const int each[] = {SS_ONSTACK, 4, SS_DISABLE | SS_ONSTACK, -1};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    set("set", memory, ROOM, each[i]);
    query("now");
  }
}

static void both_null(void) {
  errno = 0;
  int result = sigaltstack(NULL, NULL);
  say("%d %s", result, error_name(errno));
}

// POSIX forbids it, and programs do it.
#pragma GCC diagnostic ignored "-Wrestrict"

static void same_object(void) {
  stack_t both = {.ss_sp = memory, .ss_size = ROOM, .ss_flags = 0};
  sigaltstack(&both, &both);
  say_stack("old", &both);
  query("now");
}

static void where(int number) {
  char local;
  say("%s on %s", signal_name(number), place(&local));
  query("inside");
}

static void where_handlers_run(void) {
  set("set", memory, ROOM, 0);
  for (int i = 0; i < FATAL; i++) {
    handle(fatal[i], where, SA_ONSTACK);
    raise(fatal[i]);
    handle(fatal[i], where, 0);
    raise(fatal[i]);
  }
}

static void change_inside(int number) {
  (void)number;
  set("set", second, ROOM, 0);
  set("disable", NULL, 0, SS_DISABLE);
  query("inside");
}

static void refused_while_on_it(void) {
  set("set", memory, ROOM, 0);
  handle(SIGUSR1, change_inside, SA_ONSTACK);
  raise(SIGUSR1);
  query("after");
}

static void change_beside(int number) {
  (void)number;
  set("disable", NULL, 0, SS_DISABLE);
  set("set", second, ROOM, 0);
}

static void changed_from_normal_handler(void) {
  set("set", memory, ROOM, 0);
  handle(SIGUSR1, change_beside, 0);
  raise(SIGUSR1);
  query("after");
}

static void autodisarm(void) {
  set("set", memory, ROOM, (int)SS_AUTODISARM);
  query("before");
  handle(SIGUSR1, where, SA_ONSTACK);
  raise(SIGUSR1);
  query("after");
  set("disable", NULL, 0, SS_DISABLE);
  IN_CHILD("fatal") {
    set("set", memory, ROOM, (int)SS_AUTODISARM);
    raise(SIGSEGV);
  }
}

static void *query_in_thread(void *unused) {
  query("thread");
  return unused;
}

static void per_thread(void) {
  pthread_t thread;
  set("main", memory, ROOM, 0);
  pthread_create(&thread, NULL, query_in_thread, NULL);
  pthread_join(thread, NULL);
  query("main");
}

static void *set_in_thread(void *unused) {
  query("thread");
  set("thread", second, ROOM, 0);
  handle(SIGUSR1, where, SA_ONSTACK);
  raise(SIGUSR1);
  set("thread off", NULL, 0, SS_DISABLE);
  query("thread");
  set("thread", second, ROOM, 0);
  return unused;  // ends with its stack still set
}

static void threads_own_stack(void) {
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, set_in_thread, NULL);
    pthread_join(thread, NULL);
  }
  query("main");
}

static pthread_key_t key;
static void query_at_end(void *unused) {
  (void)unused;
  query("destructor");
  raise(SIGUSR1);
}

static void *with_destructor(void *unused) {
  pthread_setspecific(key, &key);
  set("thread", memory, ROOM, 0);
  return unused;
}

static void in_destructors(void) {
  pthread_t thread;
  handle(SIGUSR1, where, SA_ONSTACK);
  pthread_key_create(&key, query_at_end);
  pthread_create(&thread, NULL, with_destructor, NULL);
  pthread_join(thread, NULL);
}

static void *query_without(void *unused) {
  pthread_setspecific(key, &key);
  return unused;
}

static void in_destructors_without_stack(void) {
  pthread_t thread;
  pthread_key_create(&key, query_at_end);
  handle(SIGUSR1, where, 0);
  pthread_create(&thread, NULL, query_without, NULL);
  pthread_join(thread, NULL);
}

static void after_fork(void) {
  set("set", memory, ROOM, 0);
  handle(SIGSEGV, where, SA_ONSTACK | SA_RESETHAND);
  IN_CHILD("child") {
    query("child");
    *nowhere = 1;
  }
  set("disable", NULL, 0, SS_DISABLE);
  IN_CHILD("without") {
    query("child");
    signal(SIGSEGV, SIG_DFL);
    *nowhere = 1;
  }
}

static void after_vfork(void) {
  set("set", memory, ROOM, 0);
  pid_t child = vfork();
  if (child == 0) {
    query("child");
    _exit(0);
  }
  say_end("child", wait_for(child));
  query("parent");
}

static void after_exec(void) {
  set("set", memory, ROOM, 0);
  execute_self("at-start");
}

const struct behaviour behaviours[] = {
    {"at-start", at_start},
    {"set-and-query", set_and_query},
    {"sizes", sizes},
    {"wrong-flags", wrong_flags},
    {"both-null", both_null},
    {"same-object", same_object},
    {"where-handlers-run", where_handlers_run},
    {"refused-while-on-it", refused_while_on_it},
    {"changed-from-normal-handler", changed_from_normal_handler},
    {"autodisarm", autodisarm},
    {"per-thread", per_thread},
    {"threads-own-stack", threads_own_stack},
    {"in-destructors", in_destructors},
    {"in-destructors-without-stack", in_destructors_without_stack},
    {"after-fork", after_fork},
    {"after-vfork", after_vfork},
    {"after-exec", after_exec},
    {NULL, NULL},
};
