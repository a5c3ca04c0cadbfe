// SPDX-License-Identifier: Apache-2.0
// What a program is told about the actions that it set before.
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "contract.h"

// POSIX has dropped them from its headers.
extern void (*bsd_signal(int, void (*)(int)))(int);
extern void (*sysv_signal(int, void (*)(int)))(int);
extern void (*__sysv_signal(int, void (*)(int)))(int);

static void nothing(int number) { (void)number; }
static void other(int number) { (void)number; }

static void query(const char *what, int number) {
  struct sigaction now;
  int result = sigaction(number, NULL, &now);
  if (result < 0) say("%s: %s", what, error_name(errno));
  if (result == 0) say_action(what, &now);
}

static void set(const char *what, int number, void (*handler)(int), int flags, int masked) {
  struct sigaction action = {.sa_flags = flags}, old;
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  if (masked) sigaddset(&action.sa_mask, masked);
  sigaction(number, &action, &old);
  say_action(what, &old);
}

static void never_set(void) {
  for (int i = 0; i < FATAL; i++) query(signal_name(fatal[i]), fatal[i]);
}

static void sigaction_chain(void) {
  for (int i = 0; i < FATAL; i++) {
    set(signal_name(fatal[i]), fatal[i], nothing, SA_SIGINFO, SIGTERM);
    set("after a handler", fatal[i], SIG_DFL, SA_RESTART | SA_NODEFER, SIGUSR1);
    set("after the default with flags", fatal[i], SIG_IGN, 0, 0);
    set("after ignoring", fatal[i], SIG_DFL, 0, 0);
    set("after the plain default", fatal[i], SIG_DFL, SA_ONSTACK, SIGABRT);
    query("in the end", fatal[i]);
  }
}

static void unblockable_in_mask(void) {
  for (int i = 0; i < FATAL; i++) {
    struct sigaction action = {.sa_flags = 0}, now;
    sigfillset(&action.sa_mask);
    sigaction(fatal[i], &action, NULL);
    sigaction(fatal[i], NULL, &now);
    say("%s: kill %d stop %d term %d", signal_name(fatal[i]), sigismember(&now.sa_mask, SIGKILL),
        sigismember(&now.sa_mask, SIGSTOP), sigismember(&now.sa_mask, SIGTERM));
  }
}

static void all_flags(void) {
  const int flags[] = {SA_SIGINFO,   SA_RESTART,   SA_NODEFER,  SA_RESETHAND, SA_ONSTACK,
                       SA_NOCLDSTOP, SA_NOCLDWAIT, 0x00000400 /* SA_UNSUPPORTED */};
  for (int i = 0; i < FATAL; i++)
    for (size_t f = 0; f < sizeof flags / sizeof *flags; f++) {
      set(signal_name(fatal[i]), fatal[i], f % 2 ? SIG_DFL : nothing, flags[f], 0);
      query("now", fatal[i]);
    }
}

// POSIX forbids it, and programs do it: the kernel's answer comes after its question.
#pragma GCC diagnostic ignored "-Wrestrict"

static void same_object_for_both(void) {
  for (int i = 0; i < FATAL; i++) {
    struct sigaction action = {.sa_flags = SA_RESTART};
    action.sa_handler = nothing;
    sigemptyset(&action.sa_mask);
    sigaction(fatal[i], &action, &action);
    say_action("first", &action);
    sigaction(fatal[i], &action, &action);
    say_action("second", &action);
    query("now", fatal[i]);
  }
}

// Whoever forgets to clear sa_mask sets a default with another one each time.
static void defaults_of_many_kinds(void) {
  for (unsigned kind = 0; kind < 512; kind++) {
    struct sigaction action = {.sa_flags = kind & 1 ? SA_RESTART : 0}, now;
    sigemptyset(&action.sa_mask);
    for (int bit = 0; bit < 8; bit++)
      if (kind >> (bit + 1) & 1) sigaddset(&action.sa_mask, SIGUSR1 + bit * 2);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGBUS, NULL, &now);
    say_action("now", &now);
  }
}

static void same_handler_comes_back(void) {
  for (int i = 0; i < FATAL; i++) {
    struct sigaction old;
    handle(fatal[i], nothing, 0);
    sigaction(fatal[i], NULL, &old);
    bool first = old.sa_handler == nothing;
    handle(fatal[i], other, SA_ONSTACK);
    sigaction(fatal[i], NULL, &old);
    say("%d %d", first, old.sa_handler == other);
  }
}

static void signal_chain(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%s", handler_name(signal(fatal[i], nothing)));
    query("now", fatal[i]);
    say("%s", handler_name(signal(fatal[i], SIG_IGN)));
    say("%s", handler_name(signal(fatal[i], SIG_DFL)));
    query("now", fatal[i]);
    say("%s", handler_name(signal(fatal[i], SIG_DFL)));
  }
}

static void bsd_signal_chain(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%s", handler_name(bsd_signal(fatal[i], SIG_DFL)));
    say("%s", handler_name(bsd_signal(fatal[i], nothing)));
    say("%s", handler_name(bsd_signal(fatal[i], SIG_DFL)));
    query("now", fatal[i]);
  }
}

static void sysv_signal_chain(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%s", handler_name(__sysv_signal(fatal[i], SIG_DFL)));
    say("%s", handler_name(__sysv_signal(fatal[i], nothing)));
    query("now", fatal[i]);
    say("%s", handler_name(__sysv_signal(fatal[i], SIG_DFL)));
    query("now", fatal[i]);
  }
}

#ifdef __GLIBC__
static void other_names_of_signal(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%s", handler_name(ssignal(fatal[i], nothing)));
    say("%s", handler_name(sysv_signal(fatal[i], SIG_DFL)));
    say("%s", handler_name(sysv_signal(fatal[i], SIG_DFL)));
  }
}
#endif

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void sigset_chain(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%s", handler_name(sigset(fatal[i], nothing)));
    say("hold %s", sigset(fatal[i], SIG_HOLD) == nothing ? "handler" : "something else");
    say("held %d", sigset(fatal[i], SIG_DFL) == SIG_HOLD);
    say("%s", handler_name(sigset(fatal[i], SIG_DFL)));
    query("now", fatal[i]);
  }
}

static void sigset_of_default(void) {
  for (int i = 0; i < FATAL; i++) {
    sigset_t mask;
    say("%s", handler_name(sigset(fatal[i], SIG_HOLD)));
    sigprocmask(SIG_SETMASK, NULL, &mask);
    say_set("held", &mask);
    IN_CHILD(signal_name(fatal[i])) {
      raise(fatal[i]);
      sigrelse(fatal[i]);
      say("not reached");
    }
    sighold(fatal[i]);
    sigrelse(fatal[i]);
  }
}

static void sigignore_and_back(void) {
  for (int i = 0; i < FATAL; i++) {
    sigignore(fatal[i]);
    query("ignored", fatal[i]);
    raise(fatal[i]);
    say("%s", handler_name(signal(fatal[i], SIG_DFL)));
    IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  }
}

static void siginterrupt_of_default(void) {
  for (int i = 0; i < FATAL; i++) {
    say("%d", siginterrupt(fatal[i], 1));
    say("%s", handler_name(signal(fatal[i], nothing)));
    say("%s", handler_name(signal(fatal[i], SIG_DFL)));
    IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  }
}

static void refused(void) {
  const int numbers[] = {0, -1, SIGKILL, SIGSTOP, 65, 1000};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action = {.sa_flags = 0}, old;
    errno = 0;
    int result = sigaction(numbers[i], &action, &old);
    say("%d: set %d %s", numbers[i], result, error_name(errno));
    errno = 0;
    result = sigaction(numbers[i], NULL, &old);
    say("%d: query %d %s", numbers[i], result, error_name(errno));
    errno = 0;
    say("%d: signal %s %s", numbers[i], handler_name(signal(numbers[i], nothing)),
        error_name(errno));
  }
}

static void errno_kept(void) {
  for (int i = 0; i < FATAL; i++) {
    errno = ETXTBSY;
    handle(fatal[i], SIG_DFL, 0);
    signal(fatal[i], nothing);
    signal(fatal[i], SIG_DFL);
    say("%s", error_name(errno));
  }
}

static void *query_all(void *unused) {
  for (int i = 0; i < FATAL; i++) query(signal_name(fatal[i]), fatal[i]);
  return unused;
}

static void in_a_thread(void) {
  pthread_t thread;
  for (int i = 0; i < FATAL; i++) set("main", fatal[i], SIG_DFL, SA_RESTART, SIGINT);
  pthread_create(&thread, NULL, query_all, NULL);
  pthread_join(thread, NULL);
}

static void *set_all(void *unused) {
  for (int i = 0; i < FATAL; i++) set("thread", fatal[i], SIG_DFL, SA_NODEFER, SIGHUP);
  return unused;
}

static void set_by_a_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, set_all, NULL);
  pthread_join(thread, NULL);
  query_all(NULL);
}

static void after_fork(void) {
  for (int i = 0; i < FATAL; i++) set("parent", fatal[i], SIG_DFL, SA_RESTART, SIGQUIT);
  IN_CHILD("child") {
    query_all(NULL);
    set_all(NULL);
  }
  query_all(NULL);
}

static void after_exec(void) {
  signal(SIGSEGV, SIG_IGN);
  signal(SIGBUS, nothing);
  set("before", SIGABRT, SIG_DFL, SA_RESTART, SIGINT);
  execute_self("never-set");
}

static void *swap(void *handler) {
  for (int i = 0; i < 3000; i++) {
    struct sigaction action = {.sa_flags = 0}, old;
    action.sa_handler = (void (*)(int))handler;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &old);
    if (old.sa_handler != SIG_DFL && old.sa_handler != nothing) return (void *)1;
  }
  return NULL;
}

static void two_threads_swap(void) {
  pthread_t first, second;
  void *strange[2];
  pthread_create(&first, NULL, swap, (void *)nothing);
  pthread_create(&second, NULL, swap, (void *)SIG_DFL);
  pthread_join(first, &strange[0]);
  pthread_join(second, &strange[1]);
  say("%s %s", strange[0] ? "strange" : "known", strange[1] ? "strange" : "known");
}

static void own_handler_then_default(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      handle(fatal[i], nothing, 0);
      raise(fatal[i]);
      signal(fatal[i], SIG_DFL);
      say("going");
      raise(fatal[i]);
      say("not reached");
    }
}

static void restored_as_found(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      struct sigaction mine = {.sa_flags = SA_RESTART}, found;
      mine.sa_handler = nothing;
      sigemptyset(&mine.sa_mask);
      sigaction(fatal[i], &mine, &found);
      sigaction(fatal[i], &found, NULL);
      query("put back", fatal[i]);
      raise(fatal[i]);
      say("not reached");
    }
}

const struct behaviour behaviours[] = {
    {"never-set", never_set},
    {"sigaction-chain", sigaction_chain},
    {"unblockable-in-mask", unblockable_in_mask},
    {"all-flags", all_flags},
    {"same-object-for-both", same_object_for_both},
    {"defaults-of-many-kinds", defaults_of_many_kinds},
    {"same-handler-comes-back", same_handler_comes_back},
    {"signal-chain", signal_chain},
    {"bsd-signal-chain", bsd_signal_chain},
    {"sysv-signal-chain", sysv_signal_chain},
#ifdef __GLIBC__
    {"other-names-of-signal", other_names_of_signal},
#endif
    {"sigset-chain", sigset_chain},
    {"sigset-of-default", sigset_of_default},
    {"sigignore-and-back", sigignore_and_back},
    {"siginterrupt-of-default", siginterrupt_of_default},
    {"refused", refused},
    {"errno-kept", errno_kept},
    {"in-a-thread", in_a_thread},
    {"set-by-a-thread", set_by_a_thread},
    {"after-fork", after_fork},
    {"after-exec", after_exec},
    {"two-threads-swap", two_threads_swap},
    {"own-handler-then-default", own_handler_then_default},
    {"restored-as-found", restored_as_found},
    {NULL, NULL},
};
