// SPDX-License-Identifier: Apache-2.0
// The functions that our hooks stand before: those of the next library in the order of search, as
// dlsym(RTLD_NEXT) would find them. (dlsym itself is not in glibc's libc.so before 2.34.)
#ifndef INQUEST_NEXT_H
#define INQUEST_NEXT_H

#include "signals.h"

typedef void *(*thread_start)(void *);
typedef int (*c11_thread_start)(void *);

struct next_functions {
  int (*sigaction)(int, const struct libc_action *, struct libc_action *);
  signal_handler (*signal)(int, signal_handler);
  signal_handler (*bsd_signal)(int, signal_handler);
  signal_handler (*ssignal)(int, signal_handler);
  signal_handler (*sysv_signal)(int, signal_handler);
  signal_handler (*__sysv_signal)(int, signal_handler);
  signal_handler (*sigset)(int, signal_handler);
  int (*sigaltstack)(const struct signal_stack *, struct signal_stack *);
  int (*pthread_create)(void *, const void *, thread_start, void *);
  int (*thrd_create)(void *, c11_thread_start, void *);
  int (*pthread_key_create)(unsigned *, void (*)(void *));
  int (*pthread_setspecific)(unsigned, const void *);
  void *(*pthread_getspecific)(unsigned);
  unsigned long (*getauxval)(unsigned long);
  void (*abort)(void);
  int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
  int (*mlockall)(int);
};

// What is not there is NULL. Called by the constructor; later it only returns what was found.
const struct next_functions *next_functions(void);

// The same, but searches again where threads come with a library that may have been loaded since:
// glibc before 2.34.
const struct next_functions *next_functions_with_threads(void);

// Whether the main program is written in Go.
bool main_program_is_go(void);

#endif
