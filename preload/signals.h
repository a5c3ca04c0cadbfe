// SPDX-License-Identifier: Apache-2.0
// Signals as the kernel has them (include/uapi/asm-generic/signal.h, signal-defs.h, siginfo.h), the
// same on x86-64 and AArch64; and struct sigaction as glibc and musl have it on both.
#ifndef INQUEST_SIGNALS_H
#define INQUEST_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

enum signal_number {
  ILLEGAL_INSTRUCTION = 4,  // SIGILL
  TRAP = 5,                 // SIGTRAP
  ABORTED = 6,              // SIGABRT
  BUS_ERROR = 7,            // SIGBUS
  ARITHMETIC_ERROR = 8,     // SIGFPE
  KILL = 9,
  BAD_MEMORY = 11,   // SIGSEGV
  CHILD_ENDED = 17,  // SIGCHLD
  STOP = 19,
  BAD_SYSTEM_CALL = 31,  // SIGSYS
  LAST_SIGNAL = 64,
};

typedef uint64_t signal_set;

static inline signal_set set_of(int number) { return (signal_set)1 << (number - 1); }

typedef void (*signal_handler)(int);

#define ACTION_DEFAULT ((signal_handler)0)
#define ACTION_IGNORE ((signal_handler)1)
#define ACTION_ERROR ((signal_handler) - 1)  // SIG_ERR

enum action_flags {  // SA_…
  NO_CHILD_STOPS = 0x1,
  NO_CHILD_WAIT = 0x2,
  WITH_INFORMATION = 0x4,
  EXPOSE_TAG_BITS = 0x800,
  WITH_RESTORER = 0x04000000,
  ON_STACK = 0x08000000,
  RESTARTING = 0x10000000,
  NOT_DEFERRED = 0x40000000,
};
#define RESET_HANDLER 0x80000000u
// Those that the kernel keeps (since 5.11; UAPI_SA_FLAGS in include/linux/signal_types.h).
#define FLAGS_KEPT                                                                               \
  (NO_CHILD_STOPS | NO_CHILD_WAIT | WITH_INFORMATION | EXPOSE_TAG_BITS | ON_STACK | RESTARTING | \
   NOT_DEFERRED | RESET_HANDLER)

struct kernel_action {  // struct sigaction of the system call
  signal_handler handler;
  unsigned long flags;
  void (*restorer)(void);
  signal_set mask;
};

struct libc_action {  // struct sigaction of glibc and of musl
  signal_handler handler;
  signal_set mask[16];
  int flags;
  void (*restorer)(void);
};

enum { STACK_IN_USE = 1, STACK_DISABLED = 2 };  // SS_ONSTACK, SS_DISABLE

struct signal_stack {  // stack_t
  void *start;
  int flags;
  size_t size;
};

struct signal_information {  // siginfo_t, 128 bytes
  int number, error, code, padding;
  union {
    void *address;  // of a fault
    unsigned char the_rest[112];
  };
};

static inline long kernel_sigaction(int number, const struct kernel_action *action,
                                    struct kernel_action *old) {
  return raw_syscall(NUMBER_RT_SIGACTION, number, (long)action, (long)old, sizeof(signal_set), 0,
                     0);
}

static inline void kernel_set_mask(signal_set mask) {
  const long replace = 2;  // SIG_SETMASK
  raw_syscall(NUMBER_RT_SIGPROCMASK, replace, (long)&mask, 0, sizeof mask, 0, 0);
}

static inline long kernel_sigaltstack(const struct signal_stack *stack, struct signal_stack *old) {
  return raw_syscall(NUMBER_SIGALTSTACK, (long)stack, (long)old, 0, 0, 0, 0);
}

#endif
