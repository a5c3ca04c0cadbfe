// SPDX-License-Identifier: Apache-2.0
// Starts a program as a crashing runtime does: fork, execve, wait.
//
//   launcher execve|execv|null-envp|null-argv|vfork|many PATH [ARGUMENT…]
//
// @ in an argument stands for our own pid, so that createdump can be told that we crash. `many`
// appends 10,000 arguments. Exits with the child's status; if the exec failed the child says why.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { MANY = 10000 };

static int start(const char *how, const char *path, char **arguments) {
  if (!strcmp(how, "execv")) return execv(path, arguments);
  if (!strcmp(how, "null-envp")) return execve(path, arguments, NULL);
  if (!strcmp(how, "null-argv")) return execve(path, NULL, environ);
  return execve(path, arguments, environ);
}

int main(int argc, char **argv) {
  if (argc < 3) return 98;
  const char *how = argv[1], *path = argv[2];
  char **arguments = calloc((size_t)argc + MANY, sizeof *arguments);
  static char pid[32];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  int count = 0;
  for (int i = 2; i < argc; i++) arguments[count++] = strcmp(argv[i], "@") ? argv[i] : pid;
  for (int i = 0; i < MANY && !strcmp(how, "many"); i++) arguments[count++] = "--diag";

  pid_t child = strcmp(how, "vfork") ? fork() : vfork();
  if (child == 0) {
    int result = start(how, path, arguments);
    dprintf(2, "exec returned %d, errno %d\n", result, errno);
    _exit(97);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
