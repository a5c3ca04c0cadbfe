// SPDX-License-Identifier: Apache-2.0
#include "coroutine.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

// switch_x86_64.S, switch_aarch64.S: saves what a function must preserve on this stack, stores its pointer, and
// goes on where `to` was saved.
void coroutine_switch(void **from, void *to);
void coroutine_begin(void);  // entered by the first switch, calls coroutine_run

static struct coroutine coroutines[COROUTINE_LIMIT];
// Grows only, after the entry is complete: a signal handler on any thread reads the entries without a lock.
static atomic_int count;

void coroutine_run(struct coroutine *coroutine) {
  coroutine->body(coroutine);
  coroutine->is_done = 1;
  coroutine_yield(coroutine);
}

struct coroutine *coroutine_create(void (*body)(struct coroutine *), void *argument) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  int number = atomic_load(&count);
  if (number == COROUTINE_LIMIT) return NULL;
  // From below: a page that is given back, so that this example knows an unmapped address beside the guard; the
  // guard; the stack.
  size_t size = 2 * page + COROUTINE_STACK;
  char *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  munmap(memory, page);
  if (mprotect(memory + 2 * page, COROUTINE_STACK, PROT_READ | PROT_WRITE)) return NULL;

  struct coroutine *made = &coroutines[number];
  made->number = number + 1;
  made->guard = (uintptr_t)memory + page;
  made->start = made->guard + page;
  made->end = made->start + COROUTINE_STACK;
  made->body = body;
  made->argument = argument;
  // What coroutine_switch would have left behind: registers, of which one is the coroutine, and where to go on.
#if defined(__x86_64__)
  void **top = (void **)made->end - 9;  // so that its first call has SP as the ABI wants it
  top[0] = made;                       // r12
  top[6] = (void *)coroutine_begin;
#else
  void **top = (void **)made->end - 20;
  top[0] = made;  // x19
  top[11] = (void *)coroutine_begin;
#endif
  made->own_sp = top;
  atomic_store(&count, number + 1);
  return made;
}

void coroutine_resume(struct coroutine *coroutine) {
  if (!coroutine->is_done) coroutine_switch(&coroutine->resumer_sp, coroutine->own_sp);
}

void coroutine_yield(struct coroutine *coroutine) {
  coroutine_switch(&coroutine->own_sp, coroutine->resumer_sp);
}

const struct coroutine *coroutine_guarding(uintptr_t address) {
  int known = atomic_load(&count);
  for (int i = 0; i < known; i++)
    if (address >= coroutines[i].guard && address < coroutines[i].start) return &coroutines[i];
  return NULL;
}
