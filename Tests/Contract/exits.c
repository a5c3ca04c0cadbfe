// SPDX-License-Identifier: Apache-2.0
// How programs end: exit in its forms, abort in its variants, the C library's own checks.
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "contract.h"

static sigjmp_buf back;

static void leave_last(void) { say("registered first"); }
static void leave_first(void) { say("registered last"); }

static void exit_codes(void) {
  const int codes[] = {0, 1, 77, 127, 128, 255, 256, -1};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    IN_CHILD("exit") exit(codes[i]);
    IN_CHILD("_exit") _exit(codes[i]);
  }
}

static void own_exit_code(void) { exit(139); }

static void atexit_order(void) {
  atexit(leave_last);
  atexit(leave_first);
  exit(3);
}

static void no_atexit_after_death(void) {
  IN_CHILD("child") {
    atexit(leave_last);
    raise(SIGABRT);
  }
  IN_CHILD("_exit") {
    atexit(leave_last);
    _exit(1);
  }
}

static void fault_in_exit(void) { *nowhere = 1; }
static void fault_in_atexit(void) {
  IN_CHILD("child") {
    atexit(leave_last);
    atexit(fault_in_exit);
    exit(0);
  }
}

// Nothing buffered is written by a crash.
static void buffered_output(void) {
  IN_CHILD("exit") {
    printf("kept\n");
    exit(0);
  }
  IN_CHILD("fault") {
    printf("lost\n");
    *nowhere = 1;
  }
  IN_CHILD("abort") {
    printf("lost\n");
    abort();
  }
}

static void returning(int number) { say("handled %s", signal_name(number)); }
static void jumping(int number) {
  (void)number;
  siglongjmp(back, 1);
}

static void abort_plain(void) { IN_CHILD("child") abort(); }
static void abort_myself(void) { abort(); }
static void abort_blocked(void) {
  IN_CHILD("child") {
    block(SIGABRT);
    abort();
  }
}
static void abort_ignored(void) {
  IN_CHILD("child") {
    signal(SIGABRT, SIG_IGN);
    abort();
  }
}
static void abort_handled(void) {
  IN_CHILD("child") {
    signal(SIGABRT, returning);
    abort();
  }
}
static void abort_handled_and_jumped(void) {
  IN_CHILD("child") {
    signal(SIGABRT, jumping);
    for (volatile int i = 0; i < 3; i++)
      if (sigsetjmp(back, 1) == 0) abort();
    say("survived");
    signal(SIGABRT, SIG_DFL);
    abort();
  }
}
static void abort_in_handler(int number) {
  say("handled %s", signal_name(number));
  signal(SIGABRT, SIG_DFL);
  abort();
}
static void abort_in_abort(void) {
  IN_CHILD("in its own handler") {
    signal(SIGABRT, abort_in_handler);
    abort();
  }
  IN_CHILD("in another's") {
    signal(SIGSEGV, abort_in_handler);
    *nowhere = 1;
  }
}

static void assertion(void) { assert(!"true"); }

#ifdef __GLIBC__
#pragma GCC diagnostic ignored "-Wuse-after-free"
static void double_free(void) {
  IN_CHILD("child") {
    char *volatile memory = malloc(24);
    free(memory);
    free(memory);
  }
}
static void bad_free(void) {
  IN_CHILD("child") {
    char *volatile memory = (char *)malloc(64) + 8;
    free(memory);
  }
}
#endif

#ifndef __GLIBC__
// Its allocator stops at an instruction that may not be executed.
static void bad_free_of_musl(void) {
  IN_CHILD("child") {
    char *volatile memory = (char *)malloc(64) + 8;
    free(memory);
  }
}
#endif

__attribute__((noinline, optimize("stack-protector-all"))) static void overrun(volatile size_t length) {
  char room[16];
  volatile char *at = room;
  for (size_t i = 0; i < length; i++) at[i] = 'x';
}
static void stack_smashing(void) { IN_CHILD("child") overrun(32); }

static void core_flag(void) {
  for (int i = 0; i < FATAL; i++) {
    IN_CHILD(signal_name(fatal[i])) {
      prctl(PR_SET_DUMPABLE, 0);
      raise(fatal[i]);
    }
    IN_CHILD(signal_name(fatal[i])) {
      prctl(PR_SET_DUMPABLE, 0);
      prctl(PR_SET_DUMPABLE, 1);
      raise(fatal[i]);
    }
  }
  IN_CHILD("fault") {
    prctl(PR_SET_DUMPABLE, 0);
    *nowhere = 1;
  }
}

// These end the program that the test itself started.
static void die(int number) {
  raise(number);
  say("not reached");
}
static void die_segv(void) { die(SIGSEGV); }
static void die_bus(void) { die(SIGBUS); }
static void die_ill(void) { die(SIGILL); }
static void die_fpe(void) { die(SIGFPE); }
static void die_trap(void) { die(SIGTRAP); }
static void die_sys(void) { die(SIGSYS); }
static void die_term(void) { die(SIGTERM); }
static void die_kill(void) { die(SIGKILL); }

const struct behaviour behaviours[] = {
    {"exit-codes", exit_codes},
    {"own-exit-code", own_exit_code},
    {"atexit-order", atexit_order},
    {"no-atexit-after-death", no_atexit_after_death},
    {"fault-in-atexit", fault_in_atexit},
    {"buffered-output", buffered_output},
    {"abort-plain", abort_plain},
    {"abort-myself", abort_myself},
    {"abort-blocked", abort_blocked},
    {"abort-ignored", abort_ignored},
    {"abort-handled", abort_handled},
    {"abort-handled-and-jumped", abort_handled_and_jumped},
    {"abort-in-abort", abort_in_abort},
    {"assertion", assertion},
#ifdef __GLIBC__
    {"double-free", double_free},
    {"bad-free", bad_free},
#else
    {"bad-free", bad_free_of_musl},
#endif
    {"stack-smashing", stack_smashing},
    {"core-flag", core_flag},
    {"die-segv", die_segv},
    {"die-bus", die_bus},
    {"die-ill", die_ill},
    {"die-fpe", die_fpe},
    {"die-trap", die_trap},
    {"die-sys", die_sys},
    {"die-term", die_term},
    {"die-kill", die_kill},
    {NULL, NULL},
};
