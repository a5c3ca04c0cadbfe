// SPDX-License-Identifier: Apache-2.0
#include "contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

const int fatal[FATAL] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

volatile char *volatile nowhere = NULL;

void say(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof line - 1) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(1, line, (size_t)length) != length) _exit(97);
}

void require(bool holds, const char *what) {
  if (holds) return;
  say("cannot be shown: %s: %s", what, error_name(errno));
  _exit(98);
}

struct name {
  int number;
  const char *text;
};

#define NAME(number) {number, #number}

static const struct name signals[] = {
    NAME(SIGHUP),  NAME(SIGINT),    NAME(SIGQUIT), NAME(SIGILL),   NAME(SIGTRAP), NAME(SIGABRT),
    NAME(SIGBUS),  NAME(SIGFPE),    NAME(SIGKILL), NAME(SIGUSR1),  NAME(SIGSEGV), NAME(SIGUSR2),
    NAME(SIGPIPE), NAME(SIGALRM),   NAME(SIGTERM), NAME(SIGSTKFLT), NAME(SIGCHLD), NAME(SIGCONT),
    NAME(SIGSTOP), NAME(SIGTSTP),   NAME(SIGTTIN), NAME(SIGTTOU),  NAME(SIGURG),  NAME(SIGXCPU),
    NAME(SIGXFSZ), NAME(SIGVTALRM), NAME(SIGPROF), NAME(SIGWINCH), NAME(SIGIO),   NAME(SIGPWR),
    NAME(SIGSYS),
};

static const struct name errors[] = {
    {0, "none"},       NAME(EPERM),  NAME(ENOENT),  NAME(EINTR),   NAME(E2BIG),  NAME(ENOEXEC),
    NAME(EBADF),       NAME(ECHILD), NAME(EAGAIN),  NAME(ENOMEM),  NAME(EACCES), NAME(EFAULT),
    NAME(ENOTDIR),     NAME(EISDIR), NAME(EINVAL),  NAME(EMFILE),  NAME(ESRCH),  NAME(ETXTBSY),
    NAME(EFBIG),       NAME(EPIPE),  NAME(ENOSYS),  NAME(ELOOP),   NAME(EDEADLK), NAME(ETIMEDOUT),
    NAME(ENAMETOOLONG), NAME(EBUSY), NAME(EXDEV),
};

static const char *look_up(const struct name *names, size_t count, int number, const char *kind) {
  static __thread char unknown[32];
  for (size_t i = 0; i < count; i++)
    if (names[i].number == number) return names[i].text;
  snprintf(unknown, sizeof unknown, "%s %d", kind, number);
  return unknown;
}

const char *signal_name(int number) {
  return look_up(signals, sizeof signals / sizeof *signals, number, "signal");
}

const char *error_name(int number) {
  return look_up(errors, sizeof errors / sizeof *errors, number, "errno");
}

const char *handler_name(void (*handler)(int)) {
  if (handler == SIG_DFL) return "default";
  if (handler == SIG_IGN) return "ignore";
  return handler == SIG_ERR ? "error" : "handler";
}

void say_set(const char *what, const sigset_t *set) {
  char line[800] = "";
  for (int number = 1; number < NSIG; number++)
    if (sigismember(set, number) == 1) {
      strcat(line, " ");
      strcat(line, signal_name(number));
    }
  say("%s:%s", what, *line ? line : " nothing");
}

void say_action(const char *what, const struct sigaction *action) {
  char line[128];
  // With the bit of the C library's own, SA_RESTORER: it shows who set the action.
  snprintf(line, sizeof line, "%s: %s, flags %#x, mask", what, handler_name(action->sa_handler),
           (unsigned)action->sa_flags);
  say_set(line, &action->sa_mask);
}

void say_end(const char *who, int status) {
  if (WIFEXITED(status)) say("%s exited %d", who, WEXITSTATUS(status));
  if (WIFSTOPPED(status)) say("%s stopped by %s", who, signal_name(WSTOPSIG(status)));
  if (WIFSIGNALED(status))
    say("%s killed by %s%s", who, signal_name(WTERMSIG(status)),
        WCOREDUMP(status) ? ", core" : "");
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) {
      say("nobody to wait for: %s", error_name(errno));
      break;
    }
  return status;
}

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_flags = flags};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  require(sigaction(number, &action, NULL) == 0, "sigaction");
}

void handle_with_info(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_flags = flags | SA_SIGINFO};
  action.sa_sigaction = handler;
  sigemptyset(&action.sa_mask);
  require(sigaction(number, &action, NULL) == 0, "sigaction");
}

static void change_mask(int how, int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(how, &set, NULL);
}

void block(int number) { change_mask(SIG_BLOCK, number); }

void unblock(int number) { change_mask(SIG_UNBLOCK, number); }

void say_info(const siginfo_t *info) {
  bool sent = info->si_code <= 0;
  say("%s, code %d, errno %d%s%s", signal_name(info->si_signo), info->si_code, info->si_errno,
      sent && info->si_pid == getpid() ? ", from myself" : "",
      sent && info->si_uid == getuid() ? ", with my rights" : "");
}

void become_nobody(void) {
  const unsigned nobody = 65534;
  if (getuid() == 0) require(setgid(nobody) == 0 && setuid(nobody) == 0, "setuid");
}

static const char *own_path;

void execute_self(const char *behaviour) {
  char *arguments[] = {(char *)own_path, (char *)behaviour, NULL};
  execv("/proc/self/exe", arguments);
}

int main(int argc, char **argv) {
  own_path = argv[0];
  const char *wanted = argc == 2 ? argv[1] : "";
  // What leaks from the test that started us is not part of any behaviour.
  syscall(SYS_close_range, 3U, ~0U, 0U);
  // Cores of one page: the kernel says that it dumped, and spends no time on it.
  struct rlimit small = {4096, RLIM_INFINITY};
  getrlimit(RLIMIT_CORE, &small);
  small.rlim_cur = small.rlim_max < 4096 ? small.rlim_max : 4096;
  setrlimit(RLIMIT_CORE, &small);
  // Ends one that hangs; a busy machine may well stand still for half a minute.
  alarm(100);
  for (const struct behaviour *each = behaviours; each->name; each++) {
    if (!strcmp(wanted, "--list")) say("%s", each->name);
    if (strcmp(wanted, each->name)) continue;
    each->show();
    return 0;
  }
  return strcmp(wanted, "--list") ? 99 : 0;
}
