// SPDX-License-Identifier: Apache-2.0
// How signals are delivered, held back and waited for.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "contract.h"

static volatile sig_atomic_t count;

static void counting(int number) {
  (void)number;
  count++;
}

static void announcing(int number) { say("handler of %s", signal_name(number)); }

static void default_actions(void) {
  for (int number = 1; number < 32; number++) {
    pid_t child = fork();
    if (child == 0) {
      raise(number);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    say_end(signal_name(number), status);
    if (!WIFSTOPPED(status)) continue;
    kill(child, SIGKILL);
    wait_for(child);
  }
}

static void default_realtime(void) {
  IN_CHILD("first") raise(SIGRTMIN);
  IN_CHILD("last") raise(SIGRTMAX);
}

static void fatal_by_kill(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) kill(getpid(), fatal[i]);
}

static void fatal_by_tgkill(void) {
  for (int i = 0; i < FATAL; i++)
    IN_CHILD(signal_name(fatal[i])) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), fatal[i]);
}

static void fatal_by_pthread_kill(void) {
  for (int i = 0; i < FATAL; i++)
    IN_CHILD(signal_name(fatal[i])) pthread_kill(pthread_self(), fatal[i]);
}

static void fatal_by_sigqueue(void) {
  for (int i = 0; i < FATAL; i++)
    IN_CHILD(signal_name(fatal[i])) sigqueue(getpid(), fatal[i], (union sigval){.sival_int = 7});
}

static void fatal_from_outside(void) {
  for (int i = 0; i < FATAL; i++) {
    pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    kill(child, fatal[i]);
    say_end(signal_name(fatal[i]), wait_for(child));
  }
}

static void fatal_ignored(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      signal(fatal[i], SIG_IGN);
      raise(fatal[i]);
      say("%s does nothing", signal_name(fatal[i]));
    }
}

static void fatal_blocked_pending(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      sigset_t pending;
      block(fatal[i]);
      raise(fatal[i]);
      sigpending(&pending);
      say_set("pending", &pending);
      unblock(fatal[i]);
      say("not reached");
    }
}

static void fatal_pending_then_ignored(void) {
  for (int i = 0; i < FATAL; i++) {
    sigset_t pending;
    block(fatal[i]);
    raise(fatal[i]);
    signal(fatal[i], SIG_IGN);
    sigpending(&pending);
    say_set("pending", &pending);
    signal(fatal[i], SIG_DFL);
    unblock(fatal[i]);
  }
}

// All but the first `from` of the seven pending at once: the kernel chooses who kills.
static void fatal_several_pending(void) {
  for (int from = 0; from < FATAL; from++) IN_CHILD("with fewer") {
      sigset_t all, old;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, &old);
      for (int i = from; i < FATAL; i++) kill(getpid(), fatal[i]);
      sigprocmask(SIG_SETMASK, &old, NULL);
    }
}

static void fatal_pending_among_others(void) {
  const int others[] = {SIGINT, SIGUSR2, SIGTERM, SIGRTMIN};
  for (int i = 0; i < 4 * FATAL; i++) IN_CHILD(signal_name(fatal[i / 4])) {
      sigset_t all, old;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, &old);
      handle(SIGUSR2, announcing, 0);
      kill(getpid(), fatal[i / 4]);
      raise(others[i % 4]);
      sigprocmask(SIG_SETMASK, &old, NULL);
    }
}

static void fatal_waited_for(void) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < FATAL; i++) sigaddset(&set, fatal[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < FATAL; i++) {
    siginfo_t info;
    int number = 0;
    raise(fatal[i]);
    sigwait(&set, &number);
    say("sigwait %s", signal_name(number));
    sigqueue(getpid(), fatal[i], (union sigval){.sival_int = 5});
    struct timespec soon = {5, 0};
    say("sigtimedwait %s", signal_name(sigtimedwait(&set, &info, &soon)));
    say_info(&info);
    say("value %d", info.si_value.sival_int);
  }
}

static void fatal_by_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < FATAL; i++) sigaddset(&set, fatal[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int file = signalfd(-1, &set, SFD_CLOEXEC);
  for (int i = 0; i < FATAL; i++) {
    struct signalfd_siginfo info;
    kill(getpid(), fatal[i]);
    require(read(file, &info, sizeof info) == sizeof info, "read");
    say("%s code %d", signal_name((int)info.ssi_signo), info.ssi_code);
  }
}

static void in_suspend(void) {
  sigset_t mask;
  handle(SIGUSR1, announcing, 0);
  block(SIGUSR1);
  raise(SIGUSR1);
  sigemptyset(&mask);
  int result = sigsuspend(&mask);
  say("sigsuspend %d %s", result, error_name(errno));
  IN_CHILD("fatal") {
    block(SIGSEGV);
    raise(SIGSEGV);
    sigsuspend(&mask);
  }
}

static void in_poll(void) {
  sigset_t mask;
  sigemptyset(&mask);
  handle(SIGUSR1, announcing, SA_RESTART);
  block(SIGUSR1);
  raise(SIGUSR1);
  int result = ppoll(NULL, 0, NULL, &mask);
  say("ppoll %d %s", result, error_name(errno));
  raise(SIGUSR1);
  result = pselect(0, NULL, NULL, NULL, NULL, &mask);
  say("pselect %d %s", result, error_name(errno));
  IN_CHILD("fatal") {
    block(SIGBUS);
    raise(SIGBUS);
    ppoll(NULL, 0, NULL, &mask);
  }
}

static void values_in_order(void) {
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  const int order[] = {2, 0, 1, 0};
  for (int i = 0; i < 4; i++)
    sigqueue(getpid(), SIGRTMIN + order[i], (union sigval){.sival_int = i});
  for (int i = 0; i < 4; i++) {
    siginfo_t info;
    int number = sigwaitinfo(&all, &info);
    say("SIGRTMIN+%d value %d code %d", number - SIGRTMIN, info.si_value.sival_int, info.si_code);
  }
}

static void standard_signals_merge(void) {
  handle(SIGUSR1, counting, 0);
  block(SIGUSR1);
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  unblock(SIGUSR1);
  say("%d of 5", (int)count);
}

static void alarm_kills(void) {
  IN_CHILD("sleeper") {
    struct itimerval soon = {.it_value = {0, 1000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    for (;;) pause();
  }
}

static void posix_timer_of_fatal_signal(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      timer_t timer;
      struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = fatal[i]};
      struct itimerspec soon = {.it_value = {0, 1000000}};
      timer_create(CLOCK_MONOTONIC, &event, &timer);
      timer_settime(timer, 0, &soon, NULL);
      for (;;) pause();
    }
}

const struct behaviour behaviours[] = {
    {"default-actions", default_actions},
    {"default-realtime", default_realtime},
    {"fatal-by-kill", fatal_by_kill},
    {"fatal-by-tgkill", fatal_by_tgkill},
    {"fatal-by-pthread-kill", fatal_by_pthread_kill},
    {"fatal-by-sigqueue", fatal_by_sigqueue},
    {"fatal-from-outside", fatal_from_outside},
    {"fatal-ignored", fatal_ignored},
    {"fatal-blocked-pending", fatal_blocked_pending},
    {"fatal-pending-then-ignored", fatal_pending_then_ignored},
    {"fatal-several-pending", fatal_several_pending},
    {"fatal-pending-among-others", fatal_pending_among_others},
    {"fatal-waited-for", fatal_waited_for},
    {"fatal-by-signalfd", fatal_by_signalfd},
    {"fatal-of-posix-timer", posix_timer_of_fatal_signal},
    {"sigsuspend", in_suspend},
    {"ppoll-pselect", in_poll},
    {"realtime-order-and-values", values_in_order},
    {"standard-signals-merge", standard_signals_merge},
    {"alarm-kills", alarm_kills},
    {NULL, NULL},
};
