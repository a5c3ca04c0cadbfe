// SPDX-License-Identifier: Apache-2.0
// The first process of a PID namespace: signals with the default action do nothing to it, faults kill it.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "contract.h"

// The body as number 1 of a namespace with a /proc of its own.
static void as_init(const char *who, void (*body)(void)) {
  IN_CHILD("starter") {
    int own_user = getuid() == 0 ? 0 : CLONE_NEWUSER;
    require(unshare(CLONE_NEWPID | CLONE_NEWNS | own_user) == 0, "unshare");
    IN_CHILD(who) {
      require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
      require(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount");
      require(getpid() == 1, "pid 1");
      body();
    }
  }
}

static volatile sig_atomic_t count;
static void counting(int number) {
  (void)number;
  count++;
}

static void raise_all(void) {
  int status;
  handle(SIGCHLD, counting, 0);
  for (int i = 0; i < FATAL; i++) {
    sigset_t now;
    raise(fatal[i]);
    sigprocmask(SIG_SETMASK, NULL, &now);
    say_set(signal_name(fatal[i]), &now);
    errno = 0;
    pid_t found = waitpid(-1, &status, WNOHANG | __WALL);
    say("%d %s, %d times SIGCHLD", (int)found, error_name(errno), (int)count);
    kill(getpid(), fatal[i]);
    sigqueue(getpid(), fatal[i], (union sigval){.sival_int = 1});
  }
  raise(SIGTERM);
  raise(SIGKILL);
  say("survived the rest");
}
static void sent_to_itself(void) { as_init("init", raise_all); }

static void fault(void) { *nowhere = 1; }
static void faulting(void) { as_init("init", fault); }

static void raise_then_fault(void) {
  raise(SIGSEGV);
  fault();
}
static void sent_and_then_faulting(void) { as_init("init", raise_then_fault); }

static void aborting(void) { as_init("init", abort); }

static void handled(int number) { say("handled %s", signal_name(number)); }
static void raise_handled(void) {
  signal(SIGSEGV, handled);
  raise(SIGSEGV);
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  signal(SIGUSR1, handled);
  raise(SIGUSR1);
  say("survived");
}
static void handling(void) { as_init("init", raise_handled); }

static void kill_parent(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD("child") {
      say("%d", kill(getppid(), fatal[i]));
      kill(getppid(), SIGKILL);
    }
  say("survived");
}
static void sent_by_a_child(void) { as_init("init", kill_parent); }

static void child_dies(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  IN_CHILD("fault") fault();
}
static void its_children_die(void) { as_init("init", child_dies); }

static void adopt(void) {
  int status;
  IN_CHILD("parent") if (fork() == 0) fault();
  say_end("orphan", wait_for(-1));
  errno = 0;
  pid_t found = waitpid(-1, &status, __WALL);
  say("%d %s", (int)found, error_name(errno));
}
static void orphans(void) { as_init("init", adopt); }

static void block_and_raise(void) {
  sigset_t pending;
  block(SIGSEGV);
  raise(SIGSEGV);
  sigpending(&pending);
  say_set("pending", &pending);
  unblock(SIGSEGV);
  say("survived");
}
static void blocked_then_sent(void) { as_init("init", block_and_raise); }

// Its next child would be the first of a new namespace: the crash must not depend on that.
static void outside_of_its_childrens(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      int own_user = getuid() == 0 ? 0 : CLONE_NEWUSER;
      require(unshare(CLONE_NEWPID | own_user) == 0, "unshare");
      if (i < FATAL) raise(fatal[i]);
      fault();
    }
}

#ifdef __x86_64__
static void breakpoint(void) {
  __asm__ volatile("int3");
  say("not reached");
}
static void at_a_breakpoint(void) { as_init("init", breakpoint); }

static void overflow_trap(void) {
  __asm__ volatile(".byte 0xcd, 0x04");
  say("not reached");
}
static void at_int4(void) { as_init("init", overflow_trap); }
#endif

static void trap(void) { __builtin_trap(); }
static void at_a_trap(void) { as_init("init", trap); }

const struct behaviour behaviours[] = {
    {"sent-to-itself", sent_to_itself},
    {"faulting", faulting},
    {"sent-and-then-faulting", sent_and_then_faulting},
    {"aborting", aborting},
    {"handling", handling},
    {"sent-by-a-child", sent_by_a_child},
    {"its-children-die", its_children_die},
    {"orphans", orphans},
    {"blocked-then-sent", blocked_then_sent},
    {"outside-of-its-childrens", outside_of_its_childrens},
#ifdef __x86_64__
    {"at-a-breakpoint", at_a_breakpoint},
    {"at-int4", at_int4},
#endif
    {"at-a-trap", at_a_trap},
    {NULL, NULL},
};
