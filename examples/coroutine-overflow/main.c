// SPDX-License-Identifier: Apache-2.0
// Overflows a stack, or does something that only looks like it:
//
//   coroutine-overflow MODE [--no-handler]
//
// On standard output it says where its stacks are. --no-handler leaves SIGSEGV as it is, for INQUEST_CATCH=1.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coroutine.h"
#include "handler.h"

static const char *mode;
static int has_handler = 1;

static int is(const char *name) { return !strcmp(mode, name); }

// Without end; what is done after the call keeps it from becoming a loop.
static unsigned long descend(unsigned long depth) {
  volatile unsigned long kept[8] = {depth};
  unsigned long below = descend(depth + 1);
  return below + kept[0];
}

// Frames of 24 KiB, used from their lower end: the third one leaps over the guard page.
static unsigned long leap(unsigned long depth) {
  volatile char kept[24 * 1024];
  kept[0] = (char)depth;
  return leap(depth + 1) + (unsigned long)kept[0];
}

static void write_to(uintptr_t address) { *(volatile char *)address = 1; }

static void parse_deeply(struct coroutine *self) {
  coroutine_yield(self);  // the others take their turns
  if (is("wild-far")) write_to(self->guard - (64UL << 20));
  // The page below the guard; our own stack pointer is at the other end of the stack.
  if (is("wild-near")) write_to(self->guard - 1);
  printf("depth %lu\n", is("coroutine-leap") ? leap(0) : descend(0));
}

static void count_slowly(struct coroutine *self) {
  for (int *number = self->argument;; ++*number) coroutine_yield(self);
}

static void run_coroutines(void) {
  int number = 0;
  struct coroutine *others[] = {coroutine_create(count_slowly, &number),
                                coroutine_create(count_slowly, &number)};
  struct coroutine *deep = coroutine_create(parse_deeply, NULL);
  if (!others[0] || !others[1] || !deep) exit(1);
  printf("coroutine %d stack %#lx-%#lx guard %#lx-%#lx\n", deep->number, deep->start, deep->end,
         deep->guard, deep->start);
  fflush(stdout);
  while (!deep->is_done) {
    for (int i = 0; i < 2; i++) coroutine_resume(others[i]);
    coroutine_resume(deep);
  }
}

static void *in_thread(void *unused) {
  if (has_handler) handler_prepare_thread();
  if (is("coroutine-on-thread")) run_coroutines();
  pthread_attr_t attributes;
  void *start;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes) ||
      pthread_attr_getstack(&attributes, &start, &size))
    exit(1);
  printf("thread stack %p-%p\n", start, (void *)((char *)start + size));
  fflush(stdout);
  printf("depth %lu\n", descend(0));
  return unused;
}

int main(int argc, char **argv) {
  static const char *const modes[] = {"coroutine", "coroutine-on-thread", "coroutine-leap", "wild-far",
                                      "wild-near", "thread",              "main"};
  for (int i = 0; argc > 1 && i < 7; i++)
    if (!strcmp(argv[1], modes[i])) mode = modes[i];
  has_handler = argc < 3 || strcmp(argv[2], "--no-handler");
  if (!mode || argc > 3 || (argc == 3 && has_handler)) {
    fprintf(stderr,
            "usage: coroutine-overflow coroutine|coroutine-on-thread|coroutine-leap|wild-far|wild-near|"
            "thread|main [--no-handler]\n");
    return 64;
  }
  if (has_handler) handler_install();
  if (has_handler) handler_prepare_thread();

  if (is("main")) {
    printf("depth %lu\n", descend(0));
  } else if (is("thread") || is("coroutine-on-thread")) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, in_thread, NULL)) return 1;
    pthread_join(thread, NULL);
  } else {
    run_coroutines();
  }
  return 1;  // none of the modes comes back
}
