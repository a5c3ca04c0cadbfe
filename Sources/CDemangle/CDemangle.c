#define _GNU_SOURCE
#include "CDemangle.h"

#include <fcntl.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

// Exported by the Swift runtime, dynamic and static (stdlib/public/runtime/Demangle.cpp).
extern char *swift_demangle(const char *name, size_t length, char *out, size_t *out_size,
                            uint32_t flags);

struct sink {
  char *out;
  size_t capacity;
  size_t filled;
  jmp_buf full;
};

// Jumping out is safe: libiberty's C++ demangler keeps everything on the stack. Its Rust demangler
// holds one malloc'ed block while it prints a punycode identifier: at worst that block, no larger
// than the name, is leaked by a name that is cut there.
static void collect(const char *text, size_t length, void *opaque) {
  struct sink *sink = opaque;
  size_t room = sink->capacity - sink->filled;
  memcpy(sink->out + sink->filled, text, length < room ? length : room);
  if (length > room) longjmp(sink->full, 1);
  sink->filled += length;
}

static ssize_t demangle_swift(const char *name, char *out, size_t capacity) {
  char *text = swift_demangle(name, strlen(name), NULL, NULL, 0);
  if (text == NULL) return -1;
  size_t length = strlen(text);
  memcpy(out, text, length < capacity ? length : capacity);
  free(text);
  return length <= capacity ? (ssize_t)length : (ssize_t)capacity + 1;
}

ssize_t cdemangle(char language, const char *name, int guarded, char *out, size_t capacity) {
  if (language == CDEMANGLE_SWIFT) return demangle_swift(name, out, capacity);
  struct sink sink = {.out = out, .capacity = capacity, .filled = 0};
  if (setjmp(sink.full)) return (ssize_t)capacity + 1;
  int options = DMGL_PARAMS | DMGL_ANSI | (guarded ? DMGL_NO_RECURSE_LIMIT : 0);
  int good = language == CDEMANGLE_RUST
                 ? rust_demangle_callback(name, 0, collect, &sink)
                 : cplus_demangle_v3_callback(name, options, collect, &sink);
  return good ? (ssize_t)sink.filled : -1;
}

// Nothing but the demanglers and system calls: other threads may have held any lock at the fork.
static void child(const char *packed, size_t count, size_t capacity, int cpu_milliseconds,
                  char *results, pid_t parent) {
  // An orphan would only burn time.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  // A quiet death: no core file, and above all not Swift's own backtracer, which the runtime
  // installs on these signals and which takes half a minute and a gigabyte (field bug 35).
  prctl(PR_SET_DUMPABLE, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGPROF};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  // CPU time, not wall time: on a busy machine an honest name must not lose to the scheduler.
  struct itimerval limit = {.it_value = {.tv_sec = cpu_milliseconds / 1000,
                                         .tv_usec = cpu_milliseconds % 1000 * 1000}};
  for (size_t i = 0; i < count; i++) {
    setitimer(ITIMER_PROF, &limit, NULL);
    char *text = results + sizeof(ssize_t);
    ssize_t length = cdemangle(packed[0], packed + 1, 1, text, capacity);
    if (length <= 0) length = -1;
    // Last of all: until then the name counts as not reached.
    *(volatile ssize_t *)results = length;
    size_t used = length < 0 ? 0 : (size_t)length < capacity ? (size_t)length : capacity;
    results = text + (used + 7) / 8 * 8;
    packed += strlen(packed) + 1;
  }
  _exit(0);
}

pid_t cdemangle_in_child(const char *packed, size_t count, size_t capacity, int cpu_milliseconds,
                         char *results, int *alive) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    child(packed, count, capacity, cpu_milliseconds, results, parent);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return -1;
  }
  *alive = ends[0];
  return pid;
}
