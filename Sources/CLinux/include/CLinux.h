// What Swift cannot call by itself: variadic system calls, macros, and calls that Glibc's module map
// leaves out. Thin and header-only; nothing here decides anything.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
// Swift's Glibc module is built without _GNU_SOURCE, which gives fd_set's member another name; a Swift
// module that sees both headers would not compile.
#include <features.h>
#pragma push_macro("__USE_XOPEN")
#undef __USE_XOPEN
#include <sys/select.h>
#pragma pop_macro("__USE_XOPEN")
#include <elf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ptrace(2). The address and data mean what the request says. Returns 0 or the errno.
static inline int inquest_ptrace(int request, pid_t tid, unsigned long address, void *data) {
  return ptrace((enum __ptrace_request)request, tid, (void *)address, data) == -1 ? errno : 0;
}

static const int INQUEST_PTRACE_SEIZE = 0x4206;
static const int INQUEST_PTRACE_INTERRUPT = 0x4207;
static const int INQUEST_PTRACE_GETREGSET = 0x4204;
static const int INQUEST_PTRACE_DETACH = 17;
static const int INQUEST_WAIT_ALL = 0x40000000;  // __WALL, which is unsigned in C

// PTRACE_GETREGSET with NT_PRSTATUS; returns the number of bytes that the kernel filled, or -1.
static inline long inquest_general_registers(pid_t tid, void *buffer, size_t size) {
  struct iovec range = {buffer, size};
  if (ptrace((enum __ptrace_request)INQUEST_PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &range) != 0)
    return -1;
  return (long)range.iov_len;
}

// Lets go of a thread that was asked to stop and has not yet, as soon as it does: in an uninterruptible
// sleep, or waiting for a vfork child, that can be any time. Nothing else of ours may wait for it.
void inquest_release_when_stopped(pid_t tid);

// errno is a macro, which Swift cannot see.
static inline int inquest_errno(void) { return errno; }

// process_vm_readv(2), one range.
static inline ssize_t inquest_read_memory(pid_t pid, uint64_t address, void *buffer, size_t size) {
  struct iovec local = {buffer, size};
  struct iovec remote = {(void *)(uintptr_t)address, size};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

// What is freed is kept for the next use. A capture moves megabytes through the heap, and giving every
// large piece back to the kernel cost it a third of its time in page faults.
static inline void inquest_keep_heap(void) {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
}

// Gives back what is free of the heap, after a fork: what the parent keeps for its next use the child need
// not keep.
static inline void inquest_trim_heap(void) { malloc_trim(0); }

// Gives back the pages of code and constants, this program's and its libraries': what is needed again comes
// back from the page cache, sixteen pages a fault. Nobody writes to them, so nothing is lost.
void inquest_drop_code(void);

// No file that this process writes from now on grows beyond so many bytes. Returns 0 or the errno.
int inquest_limit_file_size(uint64_t most);

// How many hard links there are to a file below a directory; -1 if it cannot be told.
int64_t inquest_link_count(int directory, const char *path);

// The size of a file below a directory, in bytes; -1 if it cannot be told.
int64_t inquest_file_size(int directory, const char *path);

// A file in memory that can grow but never shrink, whoever holds it; -1 if there can be none.
int inquest_memory_file(void);

// Cores that the calling thread may run on.
int inquest_cores(void);

// pthread_create with a stack of 256 KB, all signals blocked: whatever is sent to us is the first thread's.
int inquest_start_thread(pthread_t *thread, void *(*body)(void *), void *argument);

// fork(2) of a process with one thread: Swift marks fork itself unavailable.
static inline pid_t inquest_fork(void) { return fork(); }

static inline int inquest_prctl(int option, unsigned long argument) {
  return prctl(option, argument, 0, 0, 0);
}

// Closes every descriptor from `first` on (Linux 5.9); falls back to a loop on older kernels.
static inline void inquest_close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0) return;
#endif
  for (int descriptor = first; descriptor < 4096; descriptor++) close(descriptor);
}

static inline int inquest_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

// A duplicate at `lowest` or above, close-on-exec.
static inline int inquest_duplicate_above(int descriptor, int lowest) {
  return fcntl(descriptor, F_DUPFD_CLOEXEC, lowest);
}

static inline int inquest_exit_status(int status) { return WEXITSTATUS(status); }
static inline int inquest_signaled(int status) { return WIFSIGNALED(status); }
static inline int inquest_term_signal(int status) { return WTERMSIG(status); }
static inline int inquest_stopped(int status) { return WIFSTOPPED(status); }

// Which signals a process ignores and blocks: all that execve(2) hands on.
typedef struct {
  uint64_t ignored;  // bit N-1 for signal N
  sigset_t blocked;
} inquest_signal_state;

// Puts every signal's action back to the default and unblocks all, but for two that are ignored: SIGPIPE
// (a service whose stderr is a broken pipe must not kill its collector) and SIGXFSZ (nor one with a limit
// on file sizes: the write then fails, and says so). The state before goes to `before`.
static inline void inquest_reset_signals(inquest_signal_state *before) {
  before->ignored = 0;
  for (int number = 1; number < 65; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    struct sigaction old;
    if (sigaction(number, NULL, &old) != 0) continue;  // 32 and 33 are libc's own
    if (old.sa_handler == SIG_IGN) before->ignored |= 1ull << (number - 1);
    signal(number, number == SIGPIPE || number == SIGXFSZ ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, &before->blocked);
}

// Undoes inquest_reset_signals: for the real createdump, which is to find what it would have found.
static inline void inquest_restore_signals(const inquest_signal_state *state) {
  for (int number = 1; number < 65; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    signal(number, state->ignored & (1ull << (number - 1)) ? SIG_IGN : SIG_DFL);
  }
  pthread_sigmask(SIG_SETMASK, &state->blocked, NULL);
}

// A connected pair of stream sockets, close-on-exec. Returns 0 or -1.
static inline int inquest_socket_pair(int pair[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

// 1 when the descriptor is ready for `events` within `milliseconds`, 0 when not.
static inline int inquest_poll(int descriptor, short events, int milliseconds) {
  struct pollfd entry = {descriptor, events, 0};
  return poll(&entry, 1, milliseconds) > 0;
}

// MARK: Giving up rights. Each returns 0 or the errno.

// setgroups(2), setresgid(2), setresuid(2) with one id for all three.
int inquest_become_user(uint32_t user, uint32_t group, const uint32_t *groups, size_t count);

// Leaves this process no capability at all, for good: no program that it executes gives any back
// (PR_SET_NO_NEW_PRIVS).
int inquest_drop_capabilities(void);

// setns(2).
int inquest_enter_namespace(int descriptor, int kind);

// Makes the directory behind a descriptor the root, and the place to be.
int inquest_enter_root(int descriptor);

// Overwrites the environment, also where it lay when the program started. One variable is kept.
void inquest_forget_environment(const char *kept);

// Prepares this process for foreign code, whatever its user. For good: a session of its own, without a
// terminal or a keyring; no core file, not to be traced; at most so many bytes of address space; killed with
// its parent; and a filter that denies what begins a process or reaches another one.
int inquest_confine(uint64_t most_memory);

// No core file from this process, nor from those that it starts: it would lie where the service's would.
void inquest_forbid_core(void);

// MARK: Opening what others have chosen

// openat2(2) for reading, as if `root`, a directory, were the root: no link leads out of it. O_PATH, so that
// nothing happens to what is found. -1 and errno; ENOSYS before Linux 5.6.
int inquest_look_up(int root, const char *path);

extern char **environ;
static inline char **inquest_environment(void) { return environ; }
