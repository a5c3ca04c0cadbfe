// SPDX-License-Identifier: Apache-2.0
// A return from a signal handler with the wrong stack pointer.
//
//   sigreturn [--in-place] [--thread]
//
// The handler runs on the alternate stack and overwrites the stack pointer that the kernel saved
// for the interrupted function, as a kernel that mixes up the two stacks would: it points into the
// alternate stack then, to where nobody has written yet. The handler returns, the interrupted
// function goes on and reaches its end, takes a zero for its return address, and the processor
// executes at 0.
//
// --in-place changes nothing, and the program ends as it should, with 0. --thread does it on
// another thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

// Kevlar, on which this happened, put the top of the alternate stack there, and found zeros. Linux
// has its own frame at the top, so what is untouched begins further below.
enum { STACK_SIZE = 64 * 1024, UNTOUCHED = STACK_SIZE / 2 };

static int is_in_place;
static sigset_t signals;
static char *alternate;

#if defined __x86_64__
#define SAVED_STACK_POINTER(context) ((context)->uc_mcontext.gregs[REG_RSP])
#elif defined __aarch64__
#define SAVED_STACK_POINTER(context) ((context)->uc_mcontext.sp)
#else
#error "which register is the stack pointer?"
#endif

static void handle(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ucontext_t *saved = context;
  if (!is_in_place) SAVED_STACK_POINTER(saved) = (intptr_t)(alternate + UNTOUCHED);
}

// Interrupted right behind the system call. Not by raise(): libc's looks whether its stack is whole
// before it returns, and aborts.
__attribute__((noinline)) static void interrupted(void) { kill(getpid(), SIGUSR1); }

static void *work(void *unused) {
  alternate = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = alternate, .ss_size = STACK_SIZE};
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  if (alternate == MAP_FAILED || sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL)) {
    perror("sigreturn");
    exit(2);
  }
  printf("alternate stack 0x%lx 0x%lx\n", (unsigned long)alternate,
         (unsigned long)alternate + STACK_SIZE);
  printf("stack pointer after the handler 0x%lx\n", (unsigned long)alternate + UNTOUCHED);
  fflush(stdout);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  interrupted();
  return unused;
}

int main(int argc, char **argv) {
  int is_on_thread = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--in-place")) {
      is_in_place = 1;
    } else if (!strcmp(argv[i], "--thread")) {
      is_on_thread = 1;
    } else {
      fprintf(stderr, "usage: sigreturn [--in-place] [--thread]\n");
      return 2;
    }
  }
  // kill() is for the whole process: only the thread that is to be interrupted lets the signal in.
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  pthread_t thread;
  if (!is_on_thread) {
    work(NULL);
  } else if (!pthread_create(&thread, NULL, work, NULL)) {
    pthread_join(thread, NULL);
  }
  return 0;
}
