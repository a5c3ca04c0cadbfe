// SPDX-License-Identifier: Apache-2.0
// Inquest's LD_PRELOAD shim. It is loaded into every process of a service, and does two things:
//
//   the constructor  enables dumps, so that a crashing .NET runtime launches createdump at all;
//   the hook         starts our collector instead of createdump, when that is about a crash.
//
// With INQUEST_CATCH=1 it also catches the fatal signals of programs that have no such runtime
// (catch.c, handler.c), and hides that from them (hooks.c).
//
// The hook runs in a child forked from a broken process, on what is left of an alternate signal
// stack (under 5 KB): it takes no lock, calls no library, and asks the kernel for memory.
//
// The only imports are weak and unversioned, so that one binary loads into anything.
#include "catch.h"
#include "environment.h"
#include "exported.h"
#include "handover.h"
#include "kernel.h"
#include "log.h"
#include "next.h"

extern char **environ __attribute__((weak));

// Set by the constructor; stays false when the user switched us off.
static bool active;

static bool switched_off(char *const *environment) {
  static const char *const words[] = {"0", "false", "no", "off"};
  const char *value = environment_get(environment, "INQUEST_ENABLED=");
  for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
    if (text_equal_ignoring_case(value, words[i])) return true;
  return false;
}

// Should the shim be in /etc/ld.so.preload, nothing keeps it out of the collector, which starts the
// real createdump with a crash's arguments.
static bool in_collector(void) {
  static const char collector[] = "inquest-collector";
  char start[sizeof collector];
  long descriptor = kernel_open_for_reading("/proc/self/cmdline");
  if (descriptor < 0) return false;
  long size = kernel_read(descriptor, start, sizeof start);
  kernel_close(descriptor);
  return size == sizeof start && text_is(start, sizeof start - 1, collector) &&
         !start[sizeof start - 1];
}

// `environ` is set before constructors run, by glibc as by musl. (glibc also passes it as a third
// argument; musl passes nothing, and the two cannot be told apart.)
__attribute__((constructor)) static void start(void) {
  next_functions();  // now: a hook may be called in a signal's handler, where to search is not safe
  if (!&environ || !environ) return;
  if (switched_off(environ)) {
    environment_put_back(environ);
    return;
  }
  active = true;
  environment_enable_dumps(&environ);
  if (catch_is_wanted(environ) && !in_collector()) catch_start();
}

// NULL and other addresses that cannot hold a string are the kernel's to refuse.
static bool is_createdump(const char *path) {
  const intptr_t first_page = 4096;
  if ((intptr_t)path < first_page) return false;
  return text_equal(path + text_base(path, text_length(path)), "createdump");
}

__attribute__((noinline)) static long createdump_called(const struct call *call) {
  struct request request;
  long parent = kernel_getppid();
  request_read(call->argv, parent, &request);
  const char *refusal = request_refusal(&request);
  if (!refusal && in_collector()) refusal = "started by the collector";
  if (!refusal) return hand_over(call, &request, parent);
  log_debug(call->configuration, "createdump left alone: ", refusal, "", "");
  return kernel_execve(call->path, call->argv, call->envp);
}

static int execute(const char *path, char *const *argv, char *const *envp) {
  char *const *own = &environ ? environ : NULL;
  const struct call call = {path, argv, envp, envp ? envp : own};
  long result =
      active && is_createdump(path) ? createdump_called(&call) : kernel_execve(path, argv, envp);
  if (result < 0) set_errno((int)-result);
  return -1;
}

EXPORTED int execve(const char *path, char *const *argv, char *const *envp) {
  return execute(path, argv, envp);
}

EXPORTED int execv(const char *path, char *const *argv) {
  return execute(path, argv, &environ ? environ : NULL);
}
