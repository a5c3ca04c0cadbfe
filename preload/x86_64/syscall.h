// SPDX-License-Identifier: Apache-2.0
// Raw system calls on x86-64. Mirrored, name for name, in aarch64/syscall.h.
#ifndef INQUEST_SYSCALL_H
#define INQUEST_SYSCALL_H

enum syscall_number {
  NUMBER_READ = 0,
  NUMBER_CLOSE = 3,
  NUMBER_LSEEK = 8,
  NUMBER_MMAP = 9,
  NUMBER_MPROTECT = 10,
  NUMBER_MUNMAP = 11,
  NUMBER_RT_SIGACTION = 13,
  NUMBER_RT_SIGPROCMASK = 14,
  NUMBER_WRITEV = 20,
  NUMBER_MINCORE = 27,
  NUMBER_NANOSLEEP = 35,
  NUMBER_GETPID = 39,
  NUMBER_GETSOCKOPT = 55,
  NUMBER_EXECVE = 59,
  NUMBER_WAIT4 = 61,
  NUMBER_FCNTL = 72,
  NUMBER_GETPPID = 110,
  NUMBER_SIGALTSTACK = 131,
  NUMBER_MUNLOCK = 150,
  NUMBER_PRCTL = 157,
  NUMBER_GETTID = 186,
  NUMBER_FUTEX = 202,
  NUMBER_EXIT_GROUP = 231,
  NUMBER_TGKILL = 234,
  NUMBER_OPENAT = 257,
  NUMBER_PPOLL = 271,
  NUMBER_RT_TGSIGQUEUEINFO = 297,
  NUMBER_PRLIMIT = 302,
  NUMBER_PROCESS_VM_READV = 310,
  NUMBER_CLOSE_RANGE = 436,
};

// Returns what the kernel returned: a negative error number on failure.
static inline long raw_syscall(enum syscall_number number, long a, long b, long c, long d, long e,
                               long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result = number;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#endif
