// SPDX-License-Identifier: Apache-2.0
// Prints what execve and execv answer to calls that cannot succeed, made in the folder argv[1].
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void attempt(const char *title, const char *path, char *const *argv, char *const *envp) {
  errno = 0;
  int result = execve(path, argv, envp);
  printf("%s: execve %d, errno %d", title, result, errno);
  errno = 0;
  result = execv(path, argv);
  printf("; execv %d, errno %d\n", result, errno);
}

static void touch(const char *path, mode_t mode, const char *text) {
  int descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
  if (write(descriptor, text, strlen(text)) < 0) exit(98);
  fchmod(descriptor, mode);
  close(descriptor);
}

int main(int argc, char **argv) {
  if (argc < 2 || chdir(argv[1])) return 98;
  char *arguments[] = {"createdump", "--diag", NULL};
  char *none[] = {NULL};
  touch("not-executable", 0644, "x");
  touch("not-a-program", 0755, "nothing that any kernel starts");
  mkdir("folder", 0755);
  mkdir("folder/createdump", 0755);
  size_t size = 300 * 1024;  // longer than MAX_ARG_STRLEN
  char *huge = malloc(size + 1);
  memset(huge, 'x', size);
  huge[size] = 0;
  char *too_big[] = {"x", huge, NULL};
  char *wild[] = {"x", (char *)8, NULL};

  attempt("path NULL", NULL, arguments, environ);
  attempt("path 1", (char *)1, arguments, environ);
  attempt("path -1", (char *)-1, arguments, environ);
  attempt("all NULL", NULL, NULL, NULL);
  attempt("missing", "missing", arguments, environ);
  attempt("missing, argv NULL", "missing", NULL, environ);
  attempt("missing, envp NULL", "missing", arguments, NULL);
  attempt("missing createdump", "gone/createdump", arguments, environ);
  attempt("missing createdump, argv NULL", "gone/createdump", NULL, environ);
  attempt("missing createdump, argv empty", "gone/createdump", none, NULL);
  attempt("createdump is a folder", "folder/createdump", none, environ);
  attempt("below a file", "not-executable/createdump", none, environ);
  attempt("empty path", "", arguments, environ);
  attempt("not executable", "not-executable", arguments, environ);
  attempt("not a program", "not-a-program", arguments, environ);
  attempt("folder", "folder", arguments, environ);
  attempt("argument too long", "/bin/true", too_big, environ);
  attempt("wild argument", "/bin/true", wild, environ);
  attempt("wild environment", "not-a-program", arguments, (char *const *)8);
  return 0;
}
