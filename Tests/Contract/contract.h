// SPDX-License-Identifier: Apache-2.0
// What the themes share. Each theme is a program: `contract-THEME --list` lists its behaviours,
// `contract-THEME NAME` shows one. It prints nothing that differs from run to run.
#ifndef CONTRACT_H
#define CONTRACT_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

struct behaviour {
  const char *name;
  void (*show)(void);
};

// The theme's own table; the last entry has no name.
extern const struct behaviour behaviours[];

// The signals that the shim may catch.
enum { FATAL = 7 };
extern const int fatal[FATAL];

// A line on standard output, written at once: nothing is lost by a crash or said twice after fork.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// "SIGSEGV", or "signal 42".
const char *signal_name(int number);

// "ENOENT", or "errno 1234": the texts of strerror(3) differ between the C libraries.
const char *error_name(int number);

// "default", "ignore", or "handler": whatever it points to.
const char *handler_name(void (*handler)(int));

// The whole action: what it does, its flags, the blocked signals among those that can be blocked.
void say_action(const char *what, const struct sigaction *action);

// The names of the signals in a set, on one line.
void say_set(const char *what, const sigset_t *set);

// "WHO exited 3", "WHO killed by SIGSEGV, core".
void say_end(const char *who, int status);

// Waits for a child of ours, whatever interrupts.
int wait_for(pid_t child);

// Ends the program with a message unless `holds`: the behaviour could not be shown at all.
void require(bool holds, const char *what);

// A null pointer that the compiler does not know to be one.
extern volatile char *volatile nowhere;

void handle(int number, void (*handler)(int), int flags);
void handle_with_info(int number, void (*handler)(int, siginfo_t *, void *), int flags);
void block(int number);
void unblock(int number);

// `siginfo` without what differs from run to run.
void say_info(const siginfo_t *info);

// Gives up root's rights, for behaviours that root is excepted from.
void become_nobody(void);

// Runs the program itself again, as another of its behaviours. Returns only if that fails.
void execute_self(const char *behaviour);

// `IN_CHILD("who") { … }`: the block in a forked child, which then exits with 0; how it ended is
// said under that name.
#define IN_CHILD(who)                                                                     \
  for (pid_t child_ = fork(); child_ >= 0; say_end((who), wait_for(child_)), child_ = -1) \
    if (child_ == 0)                                                                      \
      for (;; _exit(0))

#ifdef __cplusplus
}
#endif
#endif
