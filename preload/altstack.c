// SPDX-License-Identifier: Apache-2.0
#include "altstack.h"

#include <stdatomic.h>

#include "next.h"

// A program's handler with SA_ONSTACK runs here too, in a thread that has no alternate stack of the
// program's: it may need more than ours does. Nothing is used of it before it is touched.
enum {
  STACK_SIZE = 256 * 1024,
  GUARD = 64 * 1024,
  EDGE = 4096,  // above, so that the kernel does not make one mapping of this and what lies there
  TOTAL = GUARD + STACK_SIZE + EDGE,
};

// Each takes two of the 65,530 mappings that a process may have: a program with more threads than
// this goes without for the rest, so that it can have as many as without us.
enum { MOST_THREADS = 8192 };
static _Atomic int threads;

struct new_thread {  // above the stack
  char *stack;
  struct beginning beginning;
};

static struct new_thread *main_stack;
static unsigned key;
static bool has_key;
static size_t signal_frame;  // the kernel's, at most

enum { USABLE = STACK_SIZE - sizeof(struct new_thread) };

static _Atomic bool is_locked;

void altstack_is_locked(void) { is_locked = true; }

static struct new_thread *map_stack(void) {
  char *guard = kernel_map_as(TOTAL, 0, MAP_PRIVATELY | MAP_WITHOUT_RESERVE),
       *stack = guard + GUARD;
  if (!guard) return NULL;
  // What nobody may touch yet is not there yet. Only where it must be: a sandbox may refuse the
  // call.
  if (is_locked) kernel_unlock(guard, TOTAL);
  if (kernel_allow_writing(stack, STACK_SIZE)) {
    kernel_unmap(guard, TOTAL);
    return NULL;
  }
  struct new_thread *thread = (struct new_thread *)(void *)(stack + USABLE);
  thread->stack = stack;
  return thread;
}

static void unmap_stack(struct new_thread *thread) {
  atomic_fetch_sub(&threads, 1);
  kernel_unmap(thread->stack - GUARD, TOTAL);
}

static void set(struct new_thread *thread) {
  const struct signal_stack ours = {.start = thread->stack, .size = USABLE};
  struct signal_stack now;
  if (kernel_sigaltstack(NULL, &now) == 0 && now.flags & STACK_DISABLED)
    kernel_sigaltstack(&ours, NULL);
}

// The destructor of the key: the thread ends. Perhaps by a handler's pthread_exit, on this very
// stack, which then has to stay.
static void free_stack(void *argument) {
  struct new_thread *thread = argument;
  const struct signal_stack none = {.flags = STACK_DISABLED};
  struct signal_stack now;
  if (kernel_sigaltstack(NULL, &now)) return;
  if (now.start == thread->stack && kernel_sigaltstack(&none, NULL)) return;
  unmap_stack(thread);
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
  const unsigned long smallest_stack = 51, without = 4096;  // AT_MINSIGSTKSZ; AVX-512 needs 3376
  unsigned long smallest = next->getauxval ? next->getauxval(smallest_stack) : 0;
  signal_frame = smallest ? smallest : without;
  main_stack = map_stack();
  if (!main_stack) return;
  // Not those of threads: a sandbox may refuse prctl by then.
  kernel_name_memory(main_stack->stack, STACK_SIZE, "inquest signal stack");
  set(main_stack);
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
  enum { OURS = 1024 };
  struct signal_stack now;
  char here;
  return kernel_sigaltstack(NULL, &now) == 0 && now.flags & STACK_IN_USE &&
         (size_t)(&here - (char *)now.start) < signal_frame + OURS;
}

struct new_thread *altstack_for_thread(void *start, void *argument) {
  if (!has_key) return NULL;
  struct new_thread *thread = atomic_fetch_add(&threads, 1) < MOST_THREADS ? map_stack() : NULL;
  if (!thread) atomic_fetch_sub(&threads, 1);
  if (thread) thread->beginning = (struct beginning){start, argument};
  return thread;
}

void altstack_discard(struct new_thread *thread) { unmap_stack(thread); }

struct beginning altstack_adopt(struct new_thread *thread) {
  const struct beginning beginning = thread->beginning;
  if (next_functions()->pthread_setspecific(key, thread) == 0)
    set(thread);
  else
    altstack_discard(thread);
  return beginning;
}
