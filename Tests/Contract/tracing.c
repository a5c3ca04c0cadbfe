// SPDX-License-Identifier: Apache-2.0
// A program that traces, or is traced by its parent. (What a tracer sees of a fatal signal differs with a
// handler in the process: that is in differences.c.)
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "contract.h"

static void stop_myself(void) {
  require(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
  raise(SIGSTOP);
}

static pid_t traced(void (*body)(void)) {
  pid_t child = fork();
  if (child == 0) {
    stop_myself();
    body();
    _exit(0);
  }
  say_end("at first", ({ int status = 0; waitpid(child, &status, 0); status; }));
  return child;
}

// Lets the child go on to its end, saying each stop; a `swallowed` signal is not delivered.
static void follow(pid_t child, int swallowed) {
  int status, signal = 0;
  for (;;) {
    require(ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)signal) == 0, "PTRACE_CONT");
    waitpid(child, &status, 0);
    say_end("child", status);
    if (!WIFSTOPPED(status)) return;
    signal = WSTOPSIG(status);
    if (signal == swallowed) signal = 0;
  }
}

static void nothing(void) {}
static void traceme(void) { follow(traced(nothing), 0); }

static void raise_harmless(void) {
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  raise(SIGWINCH);
}
static void ignored_signals_are_seen(void) { follow(traced(raise_harmless), 0); }

static void raise_segv(void) { raise(SIGSEGV); }
static void sent_and_swallowed(void) { follow(traced(raise_segv), SIGSEGV); }

static void handled(int number) { say("handled %s", signal_name(number)); }
static void raise_handled(void) {
  handle(SIGSEGV, handled, 0);
  raise(SIGSEGV);
}
static void handled_under_tracer(void) { follow(traced(raise_handled), 0); }

static void execute(void) { execl("/bin/true", "true", (char *)NULL); }
static void exec_under_tracer(void) { follow(traced(execute), SIGTRAP); }

static void raise_term(void) { raise(SIGTERM); }
static void killed_under_tracer(void) { follow(traced(raise_term), 0); }

static void traceme_twice(void) {
  IN_CHILD("child") {
    errno = 0;
    long first = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    long second = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    say("%ld %ld %s", first, second, error_name(errno));
  }
}

static void exit_event(void) {
  int status;
  pid_t child = traced(nothing);
  ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK));
  ptrace(PTRACE_CONT, child, NULL, NULL);
  waitpid(child, &status, 0);
  unsigned long message = 0;
  ptrace(PTRACE_GETEVENTMSG, child, NULL, &message);
  say("event %d message %lu", status >> 16, message);
  ptrace(PTRACE_DETACH, child, NULL, NULL);
  say_end("child", wait_for(child));
}

static void seize_and_detach(void) {
  int status;
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  require(ptrace(PTRACE_SEIZE, child, NULL, NULL) == 0, "PTRACE_SEIZE");
  require(ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0, "PTRACE_INTERRUPT");
  waitpid(child, &status, 0);
  say("event %d", status >> 16);
  ptrace(PTRACE_DETACH, child, NULL, NULL);
  kill(child, SIGABRT);
  say_end("child", wait_for(child));
}

static volatile int word = 1;
static void read_and_write_memory(void) {
  pid_t child = fork();
  if (child == 0) {
    stop_myself();
    _exit(word);
  }
  int status;
  waitpid(child, &status, 0);
  int value = 42;
  struct iovec here = {&value, sizeof value}, there = {(void *)&word, sizeof word};
  say("%zd", process_vm_writev(child, &here, 1, &there, 1, 0));
  follow(child, 0);
}

static void killed_in_stop(void) {
  pid_t child = traced(nothing);
  kill(child, SIGKILL);
  say_end("child", wait_for(child));
}

// A process that is traced already cannot be traced by a collector: it must end all the same.
static void no_second_tracer(void) {
  pid_t child = traced(nothing);
  IN_CHILD("other") {
    errno = 0;
    long result = ptrace(PTRACE_SEIZE, child, NULL, NULL);
    say("%ld %s", result, error_name(errno));
  }
  follow(child, 0);
}

// A tracer that detaches at the stop leaves the death to the kernel.
static void fault(void) { *nowhere = 1; }
static void detached_at_the_fault(void) {
  void (*const bodies[])(void) = {fault, raise_segv};
  for (int i = 0; i < 2; i++) {
    int status;
    pid_t child = traced(bodies[i]);
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &status, 0);
    say_end("child", status);
    ptrace(PTRACE_DETACH, child, NULL, (void *)(intptr_t)SIGSEGV);
    say_end("child", wait_for(child));
  }
}

static void stop_and_continue(void) {
  int status;
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  kill(child, SIGSTOP);
  waitpid(child, &status, WUNTRACED);
  say_end("child", status);
  kill(child, SIGSEGV);
  say("still stopped: %d", waitpid(child, &status, WNOHANG | WUNTRACED) == 0);
  kill(child, SIGCONT);
  say_end("child", wait_for(child));
}

const struct behaviour behaviours[] = {
    {"traceme", traceme},
    {"ignored-signals-are-seen", ignored_signals_are_seen},
    {"sent-and-swallowed", sent_and_swallowed},
    {"handled-under-tracer", handled_under_tracer},
    {"exec-under-tracer", exec_under_tracer},
    {"killed-under-tracer", killed_under_tracer},
    {"traceme-twice", traceme_twice},
    {"exit-event", exit_event},
    {"seize-and-detach", seize_and_detach},
    {"read-and-write-memory", read_and_write_memory},
    {"killed-in-stop", killed_in_stop},
    {"no-second-tracer", no_second_tracer},
    {"detached-at-the-fault", detached_at_the_fault},
    {"stop-and-continue", stop_and_continue},
    {NULL, NULL},
};
