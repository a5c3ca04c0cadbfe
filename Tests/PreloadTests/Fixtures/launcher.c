// SPDX-License-Identifier: Apache-2.0
// Starts a program as a crashing runtime does: fork, execve, wait.
//
//   launcher execve|execv|null-envp|null-argv|vfork PATH ARGV0…
//
// `many` among these words appends 10,000 arguments; `no-memory` lets every mmap of the child fail.
// @ as an argument stands for our own pid, so that createdump can be told that we crash. Exits with
// the child's status; if the exec failed the child says why. After a vfork, whose child shares our
// memory, says how much of it stayed behind.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { MANY = 10000 };

// The kernel's seccomp filters; musl-gcc does not find the kernel's headers.
struct step {
  uint16_t code;
  uint8_t if_true, if_false;
  uint32_t operand;
};

static void refuse_memory(void) {
  const uint16_t load_word = 0x20, jump_if_equal = 0x15, answer = 0x06;
  const uint32_t error = 0x00050000, allow = 0x7fff0000;
  struct step steps[] = {
      {load_word, 0, 0, 0},  // the number of the system call
      {jump_if_equal, 0, 1, SYS_mmap},
      {answer, 0, 0, error | ENOMEM},
      {answer, 0, 0, allow},
  };
  struct {
    unsigned short count;
    struct step *steps;
  } program = {sizeof steps / sizeof *steps, steps};
  const int mode_filter = 2;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) _exit(96);
  if (prctl(PR_SET_SECCOMP, mode_filter, &program)) _exit(96);
}

static int start(const char *how, const char *path, char **arguments) {
  if (!strcmp(how, "execv")) return execv(path, arguments);
  if (!strcmp(how, "null-envp")) return execve(path, arguments, NULL);
  if (!strcmp(how, "null-argv")) return execve(path, NULL, environ);
  return execve(path, arguments, environ);
}

static long count_pages(void) {
  char buffer[64] = "";
  int descriptor = open("/proc/self/statm", O_RDONLY);
  if (read(descriptor, buffer, sizeof buffer - 1) <= 0) _exit(96);
  close(descriptor);
  return atol(buffer);
}

int main(int argc, char **argv) {
  if (argc < 3) return 98;
  const char *how = argv[1], *path = argv[2];
  char **arguments = calloc((size_t)argc + MANY, sizeof *arguments);
  static char pid[32];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  int count = 0;
  for (int i = 3; i < argc; i++) arguments[count++] = strcmp(argv[i], "@") ? argv[i] : pid;
  for (int i = 0; i < MANY && strstr(how, "many"); i++) arguments[count++] = "--diag";

  long before = count_pages();
  pid_t child = strcmp(how, "vfork") ? fork() : vfork();
  if (child == 0) {
    if (strstr(how, "no-memory")) refuse_memory();
    int result = start(how, path, arguments);
    dprintf(2, "exec returned %d, errno %d\n", result, errno);
    _exit(97);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!strcmp(how, "vfork") && WIFEXITED(status) && WEXITSTATUS(status) == 97)
    dprintf(2, "pages left: %ld\n", count_pages() - before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
