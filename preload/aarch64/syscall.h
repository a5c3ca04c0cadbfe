// SPDX-License-Identifier: Apache-2.0
// Raw system calls on AArch64. Mirrored, name for name, in x86_64/syscall.h.
#ifndef INQUEST_SYSCALL_H
#define INQUEST_SYSCALL_H

enum syscall_number {
  NUMBER_FCNTL = 25,
  NUMBER_OPENAT = 56,
  NUMBER_CLOSE = 57,
  NUMBER_LSEEK = 62,
  NUMBER_READ = 63,
  NUMBER_WRITEV = 66,
  NUMBER_PPOLL = 73,
  NUMBER_EXIT_GROUP = 94,
  NUMBER_FUTEX = 98,
  NUMBER_NANOSLEEP = 101,
  NUMBER_TGKILL = 131,
  NUMBER_SIGALTSTACK = 132,
  NUMBER_RT_SIGACTION = 134,
  NUMBER_RT_SIGPROCMASK = 135,
  NUMBER_PRCTL = 167,
  NUMBER_GETPID = 172,
  NUMBER_GETPPID = 173,
  NUMBER_GETTID = 178,
  NUMBER_GETSOCKOPT = 209,
  NUMBER_MUNMAP = 215,
  NUMBER_EXECVE = 221,
  NUMBER_MMAP = 222,
  NUMBER_MPROTECT = 226,
  NUMBER_MUNLOCK = 229,
  NUMBER_MINCORE = 232,
  NUMBER_RT_TGSIGQUEUEINFO = 240,
  NUMBER_WAIT4 = 260,
  NUMBER_PRLIMIT = 261,
  NUMBER_PROCESS_VM_READV = 270,
  NUMBER_CLOSE_RANGE = 436,
};

// Returns what the kernel returned: a negative error number on failure.
static inline long raw_syscall(enum syscall_number number, long a, long b, long c, long d, long e,
                               long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}

#endif
