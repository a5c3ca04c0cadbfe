// SPDX-License-Identifier: Apache-2.0
// What the shim asks of the kernel, and all of it. Raw, so that nothing depends on the state of
// the C library in a process that is broken enough to be dying.
#ifndef INQUEST_KERNEL_H
#define INQUEST_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syscall.h"

enum { NO_SUCH_FILE = 2, NO_MEMORY = 12 };  // ENOENT, ENOMEM
enum { STANDARD_ERROR = 2 };

struct kernel_buffer {  // struct iovec
  const char *start;
  size_t length;
};

static inline long kernel_execve(const char *path, char *const *argv, char *const *envp) {
  return raw_syscall(NUMBER_EXECVE, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

static inline long kernel_getpid(void) { return raw_syscall(NUMBER_GETPID, 0, 0, 0, 0, 0, 0); }

static inline long kernel_gettid(void) { return raw_syscall(NUMBER_GETTID, 0, 0, 0, 0, 0, 0); }

static inline long kernel_getppid(void) { return raw_syscall(NUMBER_GETPPID, 0, 0, 0, 0, 0, 0); }

enum {
  PROTECT_READ_WRITE = 1 | 2,
  MAP_SHARED_BY_CHILDREN = 0x01,
  MAP_PRIVATELY = 0x02,
  MAP_OF_NO_FILE = 0x20,
  MAP_WITHOUT_RESERVE = 0x4000,
};

// Anonymous memory, or NULL.
static inline void *kernel_map_as(size_t size, long protection, long flags) {
  long result = raw_syscall(NUMBER_MMAP, 0, (long)size, protection, flags | MAP_OF_NO_FILE, -1, 0);
  return (unsigned long)result > -4096UL ? NULL : (void *)result;
}

static inline void *kernel_map(size_t size) {
  return kernel_map_as(size, PROTECT_READ_WRITE, MAP_PRIVATELY);
}

// Returns 0, or a negative error number.
static inline long kernel_allow_writing(void *start, size_t size) {
  return raw_syscall(NUMBER_MPROTECT, (long)start, (long)size, PROTECT_READ_WRITE, 0, 0, 0);
}

// Whether there is memory, accessible or not.
static inline bool kernel_is_mapped(uintptr_t address) {
  const uintptr_t page = 4096;
  unsigned char room;
  return raw_syscall(NUMBER_MINCORE, (long)(address & ~(page - 1)), 1, (long)&room, 0, 0, 0) == 0;
}

// False for what is hardly a log (a file that is read as well, a client on the network), and for a
// pipe that nobody reads: a process that dies waits for nobody.
static inline bool kernel_takes_words(long descriptor) {
  enum {
    GET_FLAGS = 3,
    ACCESS = 3,
    READ_WRITE = 2,
    SOCKET = 1,
    DOMAIN = 39,
    LOCAL = 1,
    WRITABLE = 4
  };
  const long current = 1;  // SEEK_CUR
  const long tenth_of_second[2] = {0, 100000000};
  struct {
    int descriptor;
    short wanted, found;
  } poll = {(int)descriptor, WRITABLE, 0};
  int domain = LOCAL;
  unsigned size = sizeof domain;
  long flags = raw_syscall(NUMBER_FCNTL, descriptor, GET_FLAGS, 0, 0, 0, 0);
  if (flags < 0) return false;
  raw_syscall(NUMBER_GETSOCKOPT, descriptor, SOCKET, DOMAIN, (long)&domain, (long)&size, 0);
  if (domain != LOCAL) return false;
  if ((flags & ACCESS) == READ_WRITE &&
      raw_syscall(NUMBER_LSEEK, descriptor, 0, current, 0, 0, 0) >= 0)
    return false;
  long ready = raw_syscall(NUMBER_PPOLL, (long)&poll, 1, (long)tenth_of_second, 0, 0, 0);
  return ready == 1 && poll.found == WRITABLE;
}

static inline void kernel_unlock(void *start, size_t size) {
  raw_syscall(NUMBER_MUNLOCK, (long)start, (long)size, 0, 0, 0, 0);
}

static inline void kernel_unmap(void *start, size_t size) {
  raw_syscall(NUMBER_MUNMAP, (long)start, (long)size, 0, 0, 0, 0);
}

static inline long kernel_open_for_reading(const char *path) {
  const long current_directory = -100, close_on_exec = 02000000;
  return raw_syscall(NUMBER_OPENAT, current_directory, (long)path, close_on_exec, 0, 0, 0);
}

static inline long kernel_read(long descriptor, char *to, size_t size) {
  return raw_syscall(NUMBER_READ, descriptor, (long)to, (long)size, 0, 0, 0);
}

static inline void kernel_close(long descriptor) {
  raw_syscall(NUMBER_CLOSE, descriptor, 0, 0, 0, 0, 0);
}

// Every descriptor from `first` on: now, or with CLOSE_WHEN_EXECUTING (since Linux 5.11) then.
enum { CLOSE_WHEN_EXECUTING = 4 };  // CLOSE_RANGE_CLOEXEC
static inline void kernel_close_from(unsigned first, unsigned flags) {
  raw_syscall(NUMBER_CLOSE_RANGE, first, ~0u, flags, 0, 0, 0);
}

static inline void kernel_write_all(long descriptor, const struct kernel_buffer *buffers,
                                    size_t count) {
  raw_syscall(NUMBER_WRITEV, descriptor, (long)buffers, (long)count, 0, 0, 0);
}

static inline long kernel_prctl(long option, long a, long b, long c, long d) {
  return raw_syscall(NUMBER_PRCTL, option, a, b, c, d, 0);
}

// A name in /proc/PID/maps, where the kernel has such names; so named, it does not become one with
// its neighbours.
static inline void kernel_name_memory(void *start, size_t size, const char *name) {
  const long set_vma = 0x53564d41, anonymous_name = 0;  // PR_SET_VMA, PR_SET_VMA_ANON_NAME
  kernel_prctl(set_vma, anonymous_name, (long)start, (long)size, (long)name);
}

// Copies from an address at which perhaps nothing can be read; all of it, or false.
static inline bool kernel_read_memory(uintptr_t address, void *to, size_t size) {
  const struct kernel_buffer into = {to, size}, from = {(const char *)address, size};
  return raw_syscall(NUMBER_PROCESS_VM_READV, kernel_getpid(), (long)&into, 1, (long)&from, 1, 0) ==
         (long)size;
}

static inline void kernel_sleep_milliseconds(long milliseconds) {
  const long timespec[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  raw_syscall(NUMBER_NANOSLEEP, (long)timespec, 0, 0, 0, 0, 0);
}

static inline _Noreturn void kernel_exit(long status) {
  for (;;) raw_syscall(NUMBER_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

#endif
