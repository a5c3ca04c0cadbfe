// SPDX-License-Identifier: Apache-2.0
// Ways to die of a signal, on the main thread or on another one.
//
//   dying SCENE [thread|c11]
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

static void store(uintptr_t address) { *(volatile int *)address = 1; }

static int __attribute__((noinline)) recurse(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return recurse(depth + 1) + frame[0];
}

static void behind_end_of_file(void) {
  FILE *file = tmpfile();
  store((uintptr_t)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fileno(file), 0));
}

static void divide(void) {
  volatile int zero = 0;
  zero = 5 / zero;
}

// struct sock_filter and sock_fprog (linux/filter.h, which musl-gcc does not find).
static void filtered_call(void) {
  static const struct {
    unsigned short code;
    unsigned char jt, jf;
    unsigned k;
  } filter[] = {
      {0x20, 0, 0, 0},           // load seccomp_data.nr
      {0x15, 0, 1, SYS_getuid},  // if it is getuid's
      {0x06, 0, 0, 0x00030000},  // SECCOMP_RET_TRAP
      {0x06, 0, 0, 0x7fff0000},  // SECCOMP_RET_ALLOW
  };
  const struct {
    unsigned short count;
    const void *filter;
  } program = {4, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(22, 2, &program, 0, 0)) _exit(98);  // PR_SET_SECCOMP, SECCOMP_MODE_FILTER
  syscall(SYS_getuid);
}

static void queue(int number) {
  sigqueue(getpid(), number, (union sigval){.sival_int = 42});
  pause();
}

static void on_overflown_stack(void) {
  // The kernel cannot push the frame of this handler and raises SIGSEGV itself (SI_KERNEL).
  signal(SIGUSR1, (void (*)(int))(uintptr_t)8);
#ifdef __x86_64__
  const long pid = getpid();
  __asm__ volatile("mov $16, %%rsp; syscall; nop"
                   :
                   : "a"(SYS_kill), "D"(pid), "S"(SIGUSR1)
                   : "rcx", "r11", "memory");
#endif
}

static void vforked(void) {
  pid_t child = vfork();
  if (child == 0) store(8);
  int status = 0;
  waitpid(child, &status, 0);
  printf("child: signal %d\n", WTERMSIG(status));
  fflush(stdout);
  store(8);
}

static void forked(void) {
  pid_t child = fork();
  if (child == 0) store(8);
  int status = 0;
  waitpid(child, &status, 0);
  printf("child: signal %d\n", WTERMSIG(status));
  fflush(stdout);
  store(8);
}

static pthread_barrier_t together;
static void *fault_together(void *unused) {
  pthread_barrier_wait(&together);
  store(8);
  return unused;
}
static void many_at_once(void) {
  pthread_t thread;
  pthread_barrier_init(&together, NULL, 4);
  for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, fault_together, NULL);
  pause();
}

static _Atomic int children_ended;
static void child_ended(int number) {
  (void)number;
  children_ended++;
}
static _Atomic int waited;
static void *wait_for_anybody(void *unused) {
  while (!waited)
    if (waitpid(-1, NULL, WNOHANG) != -1) printf("a child was seen\n");
  return unused;
}
// As the init of a PID namespace it survives, and can say what it saw.
static void look_for_children(void) {
  pthread_t thread;
  signal(SIGCHLD, child_ended);
  pthread_create(&thread, NULL, wait_for_anybody, NULL);
  raise(SIGSEGV);
  raise(SIGABRT);
  waited = 1;
  pthread_join(thread, NULL);
  printf("%d announced, waitpid returns %d\n", children_ended, (int)waitpid(-1, NULL, 0));
}

static int count_mappings(void) {
  int lines = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  for (int c; (c = fgetc(maps)) != EOF;) lines += c == '\n';
  fclose(maps);
  return lines;
}
static void *end_by_return(void *unused) { return unused; }
static void *end_by_exit(void *unused) { pthread_exit(unused); }
static void *be_cancelled(void *unused) {
  for (;;) pause();
  return unused;
}
static void thousands_of_threads(void) {
  void *(*const ends[])(void *) = {end_by_return, end_by_exit, be_cancelled};
  int before = 0;
  for (int i = 0; i < 10100; i++) {
    pthread_t thread;
    if (i == 100) before = count_mappings();
    if (pthread_create(&thread, NULL, ends[i % 3], NULL)) printf("no thread %d\n", i);
    if (i % 3 == 2) pthread_cancel(thread);
    pthread_join(thread, NULL);
  }
  int more = count_mappings() - before;
  if (more > 10) printf("%d mappings more\n", more);
}

// A library's handler asks for an alternate stack, but nobody has set one: it may use the thread's.
static void use_much_stack(int number) {
  volatile char much[100 * 1024];
  for (size_t i = 0; i < sizeof much; i += 1024) much[i] = 1;
  printf("handled %d %d\n", number, much[0]);
  pthread_exit(NULL);
}
static void *exit_from_handler(void *unused) {
  raise(SIGUSR1);
  return unused;
}
static void handler_without_stack(void) {
  struct sigaction action = {.sa_handler = use_much_stack, .sa_flags = SA_ONSTACK};
  pthread_t thread;
  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&thread, NULL, exit_from_handler, NULL);
  pthread_join(thread, NULL);
}

static void reset_and_return(int number) { signal(number, SIG_DFL); }
static void reset_and_raise(int number) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(number, &standard, NULL);
  raise(number);
}
static void abort_in_handler(int number) {
  (void)number;
  volatile char much[3000];
  much[0] = 1;
  if (much[0]) abort();
}
static void handled(void (*handler)(int), size_t size) {
  stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaltstack(&stack, NULL);
  sigaction(SIGSEGV, &action, NULL);
  store(8);
}

static const char *scene;

static void die(void) {
#define SCENE(name) if (!strcmp(scene, name))
  SCENE("fault") store(8);
  SCENE("read-only") store((uintptr_t) "text" & ~3ul);
  SCENE("non-canonical") store(0x8000000000000000ul);
  SCENE("bus") behind_end_of_file();
  SCENE("arithmetic") divide();
  SCENE("overflow") recurse(0);
  SCENE("abort") abort();
  SCENE("kill") kill(getpid(), SIGSEGV), pause();
  SCENE("raise") raise(SIGBUS);
  SCENE("queue") queue(SIGILL);
  SCENE("filter") filtered_call();
  SCENE("no-stack") on_overflown_stack();
  SCENE("vfork") vforked();
  SCENE("fork") forked();
  SCENE("many") many_at_once();
  SCENE("children") look_for_children();
  SCENE("threads") thousands_of_threads();
  SCENE("handler-without-stack") handler_without_stack();
  SCENE("reset-and-return") handled(reset_and_return, 64 * 1024);
  SCENE("reset-and-raise") handled(reset_and_raise, 64 * 1024);
  SCENE("abort-on-little-stack") handled(abort_in_handler, 8192);
  SCENE("strict") prctl(22, 1, 0, 0, 0), store(8);
#ifdef __x86_64__
  SCENE("illegal") __asm__ volatile("ud2");
  SCENE("breakpoint") __asm__ volatile("int3");
  SCENE("long-breakpoint") __asm__ volatile(".byte 0xcd, 3");
  SCENE("ice-breakpoint") __asm__ volatile(".byte 0xf1");
  SCENE("overflow-trap") __asm__ volatile(".byte 0xcd, 4");
  SCENE("single-step") __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" ::: "memory");
  SCENE("halt") __asm__ volatile("hlt");
  SCENE("stack-segment") __asm__ volatile("mov %0, %%rsp; push %0" : : "r"(1ul << 63) : "memory");
#endif
  printf("survived\n");
}

static void *thread(void *argument) {
  die();
  return argument;
}

static int c11_thread(void *argument) {
  die();
  return argument != NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 98;
  scene = argv[1];
  if (argc > 2 && !strcmp(argv[2], "thread")) {
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
  } else if (argc > 2) {
    thrd_t id;
    thrd_create(&id, c11_thread, NULL);
    thrd_join(id, NULL);
  } else {
    die();
  }
  return 7;
}
