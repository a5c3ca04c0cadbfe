// SPDX-License-Identifier: Apache-2.0
// Runs a program, core dumps allowed, and says what its parent learns of its end.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (argc < 2 || setrlimit(RLIMIT_CORE, &limit)) return 98;
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    _exit(97);
  }
  siginfo_t information;
  waitid(P_PID, (id_t)child, &information, WEXITED | WNOWAIT);
  int status = 0;
  waitpid(child, &status, 0);
  printf("code %d status %d core %d\n", information.si_code, information.si_status,
         WIFSIGNALED(status) && WCOREDUMP(status));
  return 0;
}
