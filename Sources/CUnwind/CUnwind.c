#include "CUnwind.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

// libunwind calls back with the address space's accessors only; the three callbacks that we need
// travel beside them. One set serves every address space: they tell targets apart by `argument`.
static inquest_unwind_callbacks active;

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *result,
                          int need_unwind_info, void *argument) {
  return active.find_unwind_info(ip, result, need_unwind_info, space, argument);
}

// The unwind information is memory of the target: there is nothing to give back.
static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *argument) {
  (void)space, (void)info, (void)argument;
}

// No code registers itself at run time here. This exact answer keeps the library from looking.
static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *address, void *argument) {
  (void)space, (void)address, (void)argument;
  return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
                      void *argument) {
  (void)space;
  if (write) return -UNW_EINVAL;  // nothing is ever written to the target
  return active.read_word(address, value, argument);
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
                      void *argument) {
  (void)space;
  if (write) return -UNW_EBADREG;
  return active.read_register(number, value, argument);
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write,
                        void *argument) {
  (void)space, (void)number, (void)value, (void)write, (void)argument;
  return -UNW_EBADREG;  // no unwinding of x86-64 or arm64 code needs vector registers
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *argument) {
  (void)space, (void)cursor, (void)argument;
  return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t address, char *buffer, size_t size,
                         unw_word_t *offset, void *argument) {
  (void)space, (void)address, (void)buffer, (void)size, (void)offset, (void)argument;
  return -UNW_ENOINFO;  // unw_get_proc_name hangs on sh_entsize 0; names come from elfutils
}

unw_addr_space_t inquest_unwind_create(const inquest_unwind_callbacks *callbacks) {
  // unw_accessors_t grew after 1.6.2 under the same SONAME: a newer library would read past a struct
  // of this header's size. Zero padding makes that read NULL.
  static struct {
    unw_accessors_t accessors;
    void *padding[16];
  } table;
  // Once: address spaces of other threads may be using them.
  static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&filling);
  if (!table.accessors.find_proc_info) {
    active = *callbacks;
    table.accessors.put_unwind_info = put_unwind_info;
    table.accessors.get_dyn_info_list_addr = get_dyn_info_list_addr;
    table.accessors.access_mem = access_mem;
    table.accessors.access_reg = access_reg;
    table.accessors.access_fpreg = access_fpreg;
    table.accessors.resume = resume;
    table.accessors.get_proc_name = get_proc_name;
    table.accessors.find_proc_info = find_proc_info;
  }
  pthread_mutex_unlock(&filling);
  unw_addr_space_t space = unw_create_addr_space(&table.accessors, 0);
  // The default policy is to cache nothing, which reparses the unwind information at every step.
  if (space) unw_set_caching_policy(space, UNW_CACHE_GLOBAL);
  return space;
}

// libunwind blocks all signals around its caches: two system calls a step. Nothing here unwinds inside
// a signal handler, so there is nothing to protect. The library's call binds to this definition, because
// an executable's symbols come first; outside a step it does what libc's would.
static _Thread_local int stepping;

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  if (stepping) {
    if (old) sigemptyset(old);
    return 0;
  }
  int error = pthread_sigmask(how, set, old);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int inquest_unwind_step(unw_cursor_t *cursor) {
  stepping = 1;
  int result = unw_step(cursor);
  stepping = 0;
  return result;
}

int inquest_unwind_init(unw_cursor_t *cursor, unw_addr_space_t space, void *argument) {
  stepping = 1;
  int result = unw_init_remote(cursor, space, argument);
  stepping = 0;
  return result;
}
