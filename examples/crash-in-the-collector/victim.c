// SPDX-License-Identifier: Apache-2.0
// Runs code from a file that is no ELF file, as .NET does with its compiled assemblies (ReadyToRun, a PE file):
//
//   victim FILE THREADS DEPTH
//
// It writes the code to FILE and maps that: libunwind has to be able to open it. One thread spins in such code; THREADS more sleep, DEPTH calls of such code deep. It says "spinner TID" and
// "ready PID", answers each line of its input with "alive N", where N grows, and ends with its input.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_SIZE = 8192, CALL_AT = 64 };
#if defined(__x86_64__)
// push %rbp; mov %rsp,%rbp; 1: lock incq (%rdi); jmp 1b
static const unsigned char spin[] = {0x55, 0x48, 0x89, 0xe5, 0xf0, 0x48, 0xff, 0x07, 0xeb, 0xfa};
// push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret
static const unsigned char call[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#else
// stp x29, x30, [sp, #-16]!; mov x29, sp; 1: ldr x1, [x0]; add x1, x1, #1; str x1, [x0]; b 1b
static const unsigned spin[] = {0xa9bf7bfd, 0x910003fd, 0xf9400001,
                                0x91000421, 0xf9000001, 0x17fffffd};
// stp x29, x30, [sp, #-16]!; mov x29, sp; blr x0; ldp x29, x30, [sp], #16; ret
static const unsigned call[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd, 0xd65f03c0};
#endif

static char *mapped;
static volatile unsigned long turns;
static pthread_barrier_t everybody_is_there;
static __thread int depth_left;

static void *spin_there(void *unused) {
  printf("spinner %d\n", gettid());
  pthread_barrier_wait(&everybody_is_there);
  ((void (*)(volatile unsigned long *))mapped)(&turns);
  return unused;
}

static void descend(void) {
  if (depth_left-- > 0) {
    ((void (*)(void (*)(void)))(mapped + CALL_AT))(descend);
  } else {
    pthread_barrier_wait(&everybody_is_there);
    for (;;) pause();
  }
  __asm__ volatile("" ::: "memory");  // so that no call is the last thing done, and every frame is there
}

static void *sleep_there(void *depth) {
  depth_left = (int)(long)depth;
  descend();
  return NULL;
}

static void map_code(const char *path) {
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (file < 0 || ftruncate(file, FILE_SIZE)) exit(1);
  if (pwrite(file, spin, sizeof spin, 0) != sizeof spin) exit(1);
  if (pwrite(file, call, sizeof call, CALL_AT) != sizeof call) exit(1);
  // Both pages at once: libunwind looks at mappings of more than one page only.
  mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) exit(1);
}

int main(int argc, char **argv) {
  int count = argc == 4 ? atoi(argv[2]) : -1;
  if (count < 0) return 64;
  alarm(120);  // nobody has to remember to end it
  map_code(argv[1]);
  pthread_barrier_init(&everybody_is_there, NULL, (unsigned)count + 2);
  pthread_t thread;
  if (pthread_create(&thread, NULL, spin_there, NULL)) return 1;
  for (int i = 0; i < count; i++)
    if (pthread_create(&thread, NULL, sleep_there, (void *)(long)atoi(argv[3]))) return 1;
  pthread_barrier_wait(&everybody_is_there);
  printf("ready %d\n", getpid());
  fflush(stdout);
  for (char line[16]; fgets(line, sizeof line, stdin);) {
    printf("alive %lu\n", turns);
    fflush(stdout);
  }
  return 0;
}
