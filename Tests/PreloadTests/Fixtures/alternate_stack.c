// SPDX-License-Identifier: Apache-2.0
// Starts createdump as a runtime does that dies of a SIGSEGV: in a child forked by a handler that
// runs on the alternate signal stack, with exactly argv[2] bytes left above a guard page.
//
//   alternate_stack PATH BYTES
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { PAGE = 4096, STACK = 64 * 1024 };

static char *stack, *program, pid[32];
static size_t wanted;

static __attribute__((noinline)) void start(void) {
  char *arguments[] = {program, "--name", "x", pid, "--signal", "11", "--crashthread", pid, NULL};
  execve(program, arguments, environ);
  _exit(97);
}

static __attribute__((noinline)) void use_up_and_start(size_t size) {
  volatile char *used = __builtin_alloca(size);
  used[0] = 1;
  start();
  used[0] = 2;
}

static void handler(int number) {
  (void)number;
  char here;
  size_t left = (size_t)(&here - stack);
  pid_t child = fork();
  if (child == 0) use_up_and_start(left - wanted);
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
  if (argc < 3) return 98;
  program = argv[1];
  wanted = (size_t)atol(argv[2]);
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  char *memory = mmap(NULL, PAGE + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack = memory + PAGE;
  mprotect(stack, STACK, PROT_READ | PROT_WRITE);
  stack_t alternate = {.ss_sp = stack, .ss_size = STACK};
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&alternate, NULL) || sigaction(SIGSEGV, &action, NULL)) return 98;
  *(volatile int *)8 = 0;
  return 98;
}
