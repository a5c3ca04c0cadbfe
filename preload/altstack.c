// SPDX-License-Identifier: Apache-2.0
#include "altstack.h"

#include "next.h"

enum { STACK_SIZE = 32 * 1024 };

struct new_thread {  // at the low end of the stack
  struct beginning beginning;
  char stack[];
};

enum { USABLE = STACK_SIZE - sizeof(struct new_thread) };

static struct new_thread *main_stack;
static unsigned key;
static bool has_key;

static struct new_thread *map_stack(void) {
  const long set_vma = 0x53564d41, anonymous_name = 0;  // PR_SET_VMA, PR_SET_VMA_ANON_NAME
  struct new_thread *thread = kernel_map(STACK_SIZE);
  if (thread)
    kernel_prctl(set_vma, anonymous_name, (long)thread, STACK_SIZE, (long)"inquest signal stack");
  return thread;
}

static void set(struct new_thread *thread) {
  const struct signal_stack ours = {.start = thread->stack, .size = USABLE};
  struct signal_stack now;
  if (kernel_sigaltstack(NULL, &now) == 0 && now.flags & STACK_DISABLED)
    kernel_sigaltstack(&ours, NULL);
}

// The destructor of the key: the thread ends.
static void free_stack(void *argument) {
  struct new_thread *thread = argument;
  const struct signal_stack none = {.flags = STACK_DISABLED};
  struct signal_stack now;
  if (kernel_sigaltstack(NULL, &now) == 0 && now.start == thread->stack)
    kernel_sigaltstack(&none, NULL);
  kernel_unmap(thread, STACK_SIZE);
}

// The main thread's stack is in no key: in a program without libpthread there are none.
static struct new_thread *mine(void) {
  struct new_thread *thread = has_key ? next_functions()->pthread_getspecific(key) : NULL;
  if (thread) return thread;
  return kernel_gettid() == kernel_getpid() ? main_stack : NULL;
}

void altstack_prepare(void) {
  const struct next_functions *next = next_functions();
  has_key = next->pthread_key_create && next->pthread_setspecific && next->pthread_getspecific &&
            next->pthread_key_create(&key, free_stack) == 0;
  main_stack = map_stack();
  if (main_stack) set(main_stack);
}

bool altstack_is_ours(const struct signal_stack *stack) {
  struct new_thread *thread = mine();
  return thread && stack->start == thread->stack;
}

void altstack_restore(void) {
  struct new_thread *thread = mine();
  if (thread) set(thread);
}

bool altstack_is_tight(void) {
  enum { ENOUGH = 6 * 1024 };  // a frame with AVX-512's registers has 3.5 KB
  struct signal_stack now;
  char here;
  return kernel_sigaltstack(NULL, &now) == 0 && now.flags & STACK_IN_USE &&
         &here - (char *)now.start < ENOUGH;
}

struct new_thread *altstack_for_thread(void *start, void *argument) {
  struct new_thread *thread = has_key ? map_stack() : NULL;
  if (thread) thread->beginning = (struct beginning){start, argument};
  return thread;
}

void altstack_discard(struct new_thread *thread) { kernel_unmap(thread, STACK_SIZE); }

struct beginning altstack_adopt(struct new_thread *thread) {
  const struct beginning beginning = thread->beginning;
  if (next_functions()->pthread_setspecific(key, thread) == 0) set(thread);
  else altstack_discard(thread);
  return beginning;
}
