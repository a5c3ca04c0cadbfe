// SPDX-License-Identifier: Apache-2.0
// What happens while a handler runs, and how it is left.
#include <errno.h>
#include <setjmp.h>
#include <sys/time.h>

#include "contract.h"

static volatile sig_atomic_t count;
static sigjmp_buf back;

static void counting(int number) {
  (void)number;
  count++;
}

static void announcing(int number) { say("handler of %s", signal_name(number)); }

static void announcing_info(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  say_info(info);
}

static void jumping(int number) { siglongjmp(back, number); }

static void sent_fatal_handled_goes_on(void) {
  for (int i = 0; i < FATAL; i++) {
    handle_with_info(fatal[i], announcing_info, 0);
    raise(fatal[i]);
    kill(getpid(), fatal[i]);
  }
}

static void masked_in_handler(int number) {
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  say_set(signal_name(number), &now);
}

static void mask_during_handler(void) {
  for (int i = 0; i < FATAL; i++) {
    struct sigaction action = {.sa_flags = i % 2 ? SA_NODEFER : 0};
    action.sa_handler = masked_in_handler;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, fatal[(i + 1) % FATAL]);
    sigaction(fatal[i], &action, NULL);
    raise(fatal[i]);
  }
  sigset_t after;
  sigprocmask(SIG_SETMASK, NULL, &after);
  say_set("after", &after);
}

static void nesting(int number) {
  say("in %d", (int)++count);
  if (count < 4) raise(number);
  say("out %d", (int)count--);
}

static void nested_with_nodefer(void) {
  handle(SIGSEGV, nesting, SA_NODEFER);
  raise(SIGSEGV);
}

static void nested_different(void) {
  handle(SIGUSR1, announcing, 0);
  handle_with_info(SIGABRT, announcing_info, 0);
  count = 3;
  handle(SIGBUS, nesting, 0);
  raise(SIGBUS);
  raise(SIGUSR1);
}

static void reset_hand(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      struct sigaction now;
      handle(fatal[i], announcing, SA_RESETHAND);
      raise(fatal[i]);
      sigaction(fatal[i], NULL, &now);
      say_action("afterwards", &now);
      raise(fatal[i]);
      say("not reached");
    }
}

static void left_by_siglongjmp(void) {
  for (int i = 0; i < FATAL; i++) {
    handle(fatal[i], jumping, 0);
    for (volatile int round = 0; round < 200; round++)
      if (sigsetjmp(back, 1) == 0) {
        raise(fatal[i]);
        say("not reached");
      }
  }
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  say_set("all left, blocked", &now);
}

static void left_by_longjmp_stays_blocked(void) {
  sigset_t now;
  handle(SIGSEGV, jumping, 0);
  if (sigsetjmp(back, 0) == 0) raise(SIGSEGV);
  sigprocmask(SIG_SETMASK, NULL, &now);
  say_set("blocked", &now);
}

static void interrupted_read(void) {
  char byte;
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  handle(SIGALRM, counting, 0);
  struct itimerval soon = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  ssize_t result = read(ends[0], &byte, 1);
  say("read %zd %s", result, error_name(errno));
}

static int written_to;
static void writing(int number) {
  (void)number;
  if (write(written_to, "x", 1) != 1) _exit(96);
}

static void restarted_read(void) {
  char byte;
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  written_to = ends[1];
  handle(SIGALRM, writing, SA_RESTART);
  struct itimerval soon = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  ssize_t result = read(ends[0], &byte, 1);
  say("read %zd", result);
}

static void errno_across_handler(void) {
  handle(SIGUSR1, counting, 0);
  errno = ENOENT;
  raise(SIGUSR1);
  say("%s", error_name(errno));
  for (int i = 0; i < FATAL; i++) {
    errno = E2BIG;
    signal(fatal[i], SIG_IGN);
    raise(fatal[i]);
    signal(fatal[i], SIG_DFL);
    say("%s", error_name(errno));
  }
}

static void interval_timer(void) {
  handle(SIGALRM, counting, SA_RESTART);
  struct itimerval fast = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &fast, NULL);
  while (count < 5) pause();
  setitimer(ITIMER_REAL, &(struct itimerval){0}, &fast);
  say("interval %ld us", (long)fast.it_interval.tv_usec);
}

const struct behaviour behaviours[] = {
    {"sent-fatal-handled-goes-on", sent_fatal_handled_goes_on},
    {"mask-during-handler", mask_during_handler},
    {"nested-nodefer", nested_with_nodefer},
    {"nested-different", nested_different},
    {"resethand", reset_hand},
    {"left-by-siglongjmp", left_by_siglongjmp},
    {"left-by-longjmp-stays-blocked", left_by_longjmp_stays_blocked},
    {"eintr-without-restart", interrupted_read},
    {"restart", restarted_read},
    {"errno-across-handler", errno_across_handler},
    {"interval-timer", interval_timer},
    {NULL, NULL},
};
