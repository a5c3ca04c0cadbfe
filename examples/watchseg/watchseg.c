// SPDX-License-Identifier: Apache-2.0
// What follows a SIGSEGV: one that the processor raised, and one that somebody sent.
//
//   watchseg kill|tgkill|wait|fault-maperr|fault-accerr [--reraise|--no-reraise|--no-handler]
//
// kill and tgkill send SIGSEGV to this very process, wait leaves that to somebody else.
// fault-maperr writes where nothing is mapped, fault-accerr to a page that may only be read.
// --reraise (what is done when nothing is said) chains to the old action as a handler should,
// --no-reraise only restores it, --no-handler has no handler. Prints what it saw, and "survived" if
// the program went on; exits with 0 then.
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sigaction old_action;
static bool may_reraise = true;
static pid_t own_pid;
static volatile sig_atomic_t runs;

// printf allocates and locks, which a signal handler must not.
static void say(const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t count = write(1, text, left);
    if (count <= 0) return;
    text += count;
    left -= (size_t)count;
  }
}

static void describe(const siginfo_t *info) {
  if (info->si_code == SEGV_MAPERR) {
    say("handler: a fault, SEGV_MAPERR: nothing is mapped there\n");
  } else if (info->si_code == SEGV_ACCERR) {
    say("handler: a fault, SEGV_ACCERR: what is mapped there may not be written to\n");
  } else {
    // si_pid is there only for what was sent: a fault has its address in the same place.
    say(info->si_code == SI_USER ? "handler: sent by kill()" : "handler: sent by tgkill()");
    say(info->si_pid == own_pid ? ", by this process itself\n" : ", by another process\n");
  }
}

// The idiom. After a fault it is enough to restore the old action: the instruction is executed
// again as soon as we return, and with it the signal comes again. One that was sent is used up: if
// it should do what it would have done without us, and that is the default, it has to be raised
// once more. It is blocked while the handler runs, and so comes when we return.
static void chain(const siginfo_t *info) {
  bool was_sent = info->si_code <= 0;
  bool was_default = !(old_action.sa_flags & SA_SIGINFO) && old_action.sa_handler == SIG_DFL;
  sigaction(SIGSEGV, &old_action, NULL);
  say("handler: restored the old action\n");
  if (may_reraise && was_sent && was_default) {
    say("handler: raises it again\n");
    raise(SIGSEGV);
  }
}

static void handler(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  if (runs++ == 0) {
    describe(info);
    if (info->si_code > 0) return;  // to see whether the instruction is executed again
  } else {
    say("handler: here again: the instruction was executed again\n");
  }
  chain(info);
}

// A page at an address that nobody else uses, so that two runs print and do the same.
static volatile int *page_to_read(void) {
  void *wanted = (void *)(uintptr_t)0x200000000;
  void *page = mmap(wanted, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    perror("watchseg: mmap");
    exit(1);
  }
  return page;
}

static void provoke(const char *how) {
  if (!strcmp(how, "kill")) {
    kill(own_pid, SIGSEGV);
  } else if (!strcmp(how, "tgkill")) {
    syscall(SYS_tgkill, own_pid, syscall(SYS_gettid), SIGSEGV);
  } else if (!strcmp(how, "wait")) {
    say("waiting\n");
    pause();
  } else if (!strcmp(how, "fault-maperr")) {
    *(volatile int *)(uintptr_t)0x10 = 1;
  } else {
    *page_to_read() = 1;
  }
}

int main(int argc, char **argv) {
  static const char *const ways[] = {"kill", "tgkill", "wait", "fault-maperr", "fault-accerr"};
  const char *how = argc > 1 ? argv[1] : "", *then = argc > 2 ? argv[2] : "--reraise";
  bool is_known = false;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) is_known |= !strcmp(how, ways[i]);
  bool has_handler = strcmp(then, "--no-handler");
  may_reraise = strcmp(then, "--no-reraise");
  if (!is_known || argc > 3 || (has_handler && may_reraise && strcmp(then, "--reraise"))) {
    fprintf(stderr,
            "usage: watchseg kill|tgkill|wait|fault-maperr|fault-accerr "
            "[--reraise|--no-reraise|--no-handler]\n");
    return 2;
  }
  own_pid = getpid();
  if (own_pid == 1) say("init of its PID namespace\n");
  if (has_handler) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, &old_action);
  }
  provoke(how);
  say("survived: the program went on\n");
  return 0;
}
