// SPDX-License-Identifier: Apache-2.0
// What a program is told of its signals' actions and of its signal stacks.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

extern void (*__sysv_signal(int, void (*)(int)))(int);
extern void (*bsd_signal(int, void (*)(int)))(int);
extern void (*sigset(int, void (*)(int)))(int);

static const int fatal[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGUSR1};
enum { FATAL = sizeof fatal / sizeof *fatal };

static void handler(int number) { (void)number; }

static const char *name(void (*value)(int)) {
  return value == SIG_DFL ? "default" : value == SIG_IGN ? "ignore" : value == SIG_ERR ? "error"
         : value == handler ? "handler" : "something else";
}

static void print(const char *what, int result, const struct sigaction *action) {
  unsigned long long mask = 0;
  memcpy(&mask, &action->sa_mask, sizeof mask);
  printf("%s: %d %d, %s, flags %x, mask %llx, restorer %s\n", what, result, result ? errno : 0,
         name(action->sa_handler), (unsigned)action->sa_flags, mask,
         action->sa_restorer ? "set" : "none");
}

static void query(const char *what, int number) {
  struct sigaction old;
  memset(&old, 0, sizeof old);
  errno = 0;
  int result = sigaction(number, NULL, &old);
  print(what, result, &old);
}

static void set(const char *what, int number, void (*to)(int), int flags, int masked) {
  struct sigaction action, old;
  memset(&old, 0, sizeof old);
  memset(&action, 0, sizeof action);
  action.sa_handler = to;
  action.sa_flags = flags;
  if (masked > 0) sigaddset(&action.sa_mask, masked);
  if (masked < 0) sigfillset(&action.sa_mask);
  errno = 0;
  int result = sigaction(number, &action, &old);
  print(what, result, &old);
}

static void actions(int number) {
  printf("signal %d\n", number);
  query("at first", number);
  set("default, plain", number, SIG_DFL, 0, 0);
  query("after it", number);
  set("default, with flags", number, SIG_DFL, SA_RESTART | SA_NODEFER, SIGINT);
  query("after it", number);
  set("default, all flags", number, SIG_DFL, -1, -1);
  query("after it", number);
  set("handler", number, handler, SA_RESETHAND | SA_ONSTACK, SIGHUP);
  query("after it", number);
  set("default again", number, SIG_DFL, SA_SIGINFO, 0);
  set("ignored", number, SIG_IGN, 0, 0);
  set("default at last", number, SIG_DFL, 0, 0);
  struct sigaction same = {.sa_handler = SIG_DFL, .sa_flags = SA_RESTART};
  int result = sigaction(number, &same, &same);
  print("into itself", result, &same);
}

static void relatives(int number) {
  struct {
    const char *name;
    void (*(*set)(int, void (*)(int)))(int);
  } all[] = {
      {"signal", signal}, {"bsd_signal", bsd_signal}, {"__sysv_signal", __sysv_signal},
      {"sigset", sigset},
#ifdef __GLIBC__  // musl has neither
      {"ssignal", ssignal}, {"sysv_signal", sysv_signal},
#endif
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    printf("%s %d: %s", all[i].name, number, name(all[i].set(number, SIG_DFL)));
    printf(" %s", name(all[i].set(number, handler)));
    printf(" %s", name(all[i].set(number, SIG_DFL)));
    printf(" %s\n", name(all[i].set(number, SIG_DFL)));
    query("after it", number);
    printf("%s\n", name(all[i].set(number, SIG_IGN)));
    printf("%s\n", name(all[i].set(number, SIG_DFL)));
  }
}

static void wrong(void) {
  errno = 0;
  printf("signal 0: %d %d\n", sigaction(0, NULL, NULL), errno);
  printf("signal 65: %d %d\n", sigaction(65, NULL, NULL), errno);
  set("SIGKILL", SIGKILL, SIG_DFL, 0, 0);
  printf("%s %d\n", name(signal(SIGKILL, SIG_DFL)), errno);
  printf("%s %d\n", name(signal(100, SIG_DFL)), errno);
}

static char own[64 * 1024];

static void stack(const char *what, const stack_t *to, stack_t *old) {
  stack_t now;
  memset(&now, 0x55, sizeof now);
  errno = 0;
  int result = sigaltstack(to, old ? old : &now);
  printf("%s: %d %d", what, result, result ? errno : 0);
  if (result == 0 && !old)
    printf(", at %s, flags %x, size %zu", now.ss_sp == own ? "own" : now.ss_sp ? "?" : "0",
           (unsigned)now.ss_flags, now.ss_size);
  puts("");
}

static void on_stack(int number) {
  (void)number;
  const stack_t none = {.ss_flags = SS_DISABLE};
  stack("in the handler", NULL, NULL);
  stack("disable in the handler", &none, NULL);
}

static void stacks(void) {
  const stack_t none = {.ss_flags = SS_DISABLE}, mine = {.ss_sp = own, .ss_size = sizeof own};
  const stack_t small = {.ss_sp = own, .ss_size = 100}, bad = {.ss_sp = own, .ss_flags = 77};
  struct sigaction action = {.sa_handler = on_stack, .sa_flags = SA_ONSTACK};
  char *unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaction(SIGUSR2, &action, NULL);
  stack("at first", NULL, NULL);
  stack("disabled", &none, NULL);
  stack("too small", &small, NULL);
  stack("bad flags", &bad, NULL);
#ifdef __GLIBC__  // musl reads it itself
  stack("unreadable", (void *)unmapped, NULL);
#endif
  stack("unwritable", NULL, (void *)unmapped);
  stack("still", NULL, NULL);
  stack("own", &mine, NULL);
  raise(SIGUSR2);
  stack("own is set", NULL, NULL);
  stack("disabled again", &none, NULL);
  stack("is disabled", NULL, NULL);
}

static void *stacks_of_thread(void *argument) {
  stacks();
  return argument;
}
static int stacks_of_c11_thread(void *argument) {
  stacks();
  return argument ? 5 : 6;
}
static void *cancelled(void *argument) {
  pause();
  return argument;
}

static void threads(void) {
  pthread_t thread;
  void *result = NULL;
  pthread_create(&thread, NULL, stacks_of_thread, own);
  pthread_join(thread, &result);
  printf("result %s\n", result == own ? "as returned" : "?");
  thrd_t c11;
  int number = 0;
  int error = thrd_create(&c11, stacks_of_c11_thread, own);
  thrd_join(c11, &number);
  printf("error %d, result %d\n", error, number);
  pthread_create(&thread, NULL, cancelled, NULL);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d\n", result == PTHREAD_CANCELED);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  for (size_t i = 0; i < FATAL; i++) actions(fatal[i]), relatives(fatal[i]);
  wrong();
  stacks();
  threads();
  set("before fork", SIGSEGV, SIG_DFL, SA_RESTART, SIGTERM);
  pid_t child = fork();
  if (child == 0) {
    query("in the child", SIGSEGV);
    set("set by the child", SIGSEGV, SIG_DFL, SA_NODEFER, SIGHUP);
    stacks();
    _exit(0);
  }
  waitpid(child, NULL, 0);
  query("after the child", SIGSEGV);
  child = vfork();
  if (child == 0) {
    set("set by the vforked child", SIGSEGV, SIG_DFL, SA_ONSTACK, SIGINT);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  query("after the vforked child", SIGSEGV);
  return 0;
}
