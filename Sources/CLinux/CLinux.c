#include "CLinux.h"

// A signal handler has nobody to ask but globals. Threads beyond the last slot stay ours until we exit.
static struct {
  pid_t waiting[64];
  volatile int count;
} late;

// Async-signal-safe: system calls only. A stop tells its tracer with SIGCHLD.
static void release_stopped(int signal) {
  (void)signal;
  int error = errno;
  for (int i = 0; i < late.count; i++) {
    int status = 0;
    pid_t tid = late.waiting[i];
    if (tid == 0) continue;
    pid_t found = waitpid(tid, &status, __WALL | WNOHANG);
    if (found == 0) continue;
    late.waiting[i] = 0;
    if (found < 0 || !WIFSTOPPED(status)) continue;
    // No event: it was about to be given a signal, which it gets now.
    ptrace(PTRACE_DETACH, tid, NULL, (void *)(uintptr_t)(status >> 16 ? 0 : WSTOPSIG(status)));
  }
  errno = error;
}

void inquest_release_when_stopped(pid_t tid) {
  if (late.count == sizeof late.waiting / sizeof *late.waiting) return;
  late.waiting[late.count] = tid;
  late.count++;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = release_stopped;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, NULL);
  // It may have stopped just before anybody listened.
  release_stopped(SIGCHLD);
}
