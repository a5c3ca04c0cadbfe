// SPDX-License-Identifier: Apache-2.0
// What a library in the process cannot help changing: each with the reason. Tests/ContractTests says for each
// how it is without and with the shim, so that none changes unnoticed.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "contract.h"

extern char **environ;

// A .NET runtime launches createdump only if these are set; the shim sets them when it is loaded.
static void environment_of_dumps(void) {
  for (char **entry = environ; *entry; entry++)
    if (strstr(*entry, "EnableMiniDump=")) say("%s", *entry);
}

// The kernel's own list knows a handler for what it is.
static void list_of_the_kernel(void) {
  char line[256];
  FILE *file = fopen("/proc/self/status", "re");
  require(file, "/proc/self/status");
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, "SigCgt:", 7)) {
      // Without the two to four that the C libraries keep for themselves.
      unsigned long long caught = strtoull(line + 7, NULL, 16) & 0x7fffffff;
      for (int i = 0; i < FATAL; i++)
        say("%s %d", signal_name(fatal[i]), (int)(caught >> (fatal[i] - 1) & 1));
    }
}

// A call that goes past the C library goes past us.
static void action_past_the_library(void) {
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } now = {0};
  for (int i = 0; i < FATAL; i++) {
    syscall(SYS_rt_sigaction, fatal[i], NULL, &now, sizeof now.mask);
    say("%s %s", signal_name(fatal[i]), now.handler ? "handler" : "default");
  }
}

// Each thread has an alternate stack, and the kernel uses it for whoever asks for one.
static char *main_local;
static void on_which(int number) {
  char local;
  long distance = main_local - &local;
  say("%s %s", signal_name(number), distance > 0 && distance < 65536 ? "below main" : "elsewhere");
}
static void onstack_without_stack(void) {
  char local;
  main_local = &local;
  handle(SIGUSR1, on_which, SA_ONSTACK);
  raise(SIGUSR1);
}

// The threads' stacks are kept in a key.
static void keys_left(void) {
  pthread_key_t key;
  int count = 0;
  while (pthread_key_create(&key, NULL) == 0) count++;
  say("%d keys", count);
}

// The default action comes after the handler's: a tracer sees the signal twice.
static void stops_of(void (*body)(void)) {
  int status, signal = 0;
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    body();
  }
  for (;;) {
    waitpid(child, &status, 0);
    say_end("child", status);
    if (!WIFSTOPPED(status)) return;
    signal = WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
    ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)signal);
  }
}
static void fault(void) { *nowhere = 1; }
static void send(void) { raise(SIGFPE); }
static void traced_fault(void) { stops_of(fault); }
static void traced_sent(void) { stops_of(send); }

// A signal that the kernel would have thrown away for the first process of a namespace interrupts what cannot
// be restarted: the handler has to tell about it.
static void interrupted_init(void) {
  IN_CHILD("starter") {
    int own_user = getuid() == 0 ? 0 : CLONE_NEWUSER;
    require(unshare(CLONE_NEWPID | CLONE_NEWNS | own_user) == 0, "unshare");
    IN_CHILD("init") {
      int ends[2];
      require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
      require(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount");
      require(pipe(ends) == 0, "pipe");
      if (fork() == 0) {
        char state = 0;
        while (state != 'S') {
          FILE *file = fopen("/proc/1/stat", "re");
          if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1) _exit(1);
          fclose(file);
        }
        kill(1, SIGSEGV);
        usleep(20000);
        _exit(write(ends[1], "x", 1) != 1);
      }
      struct pollfd file = {.fd = ends[0], .events = POLLIN};
      errno = 0;
      int result = poll(&file, 1, -1);
      say("poll %d %s", result, error_name(errno));
    }
  }
}

// The handler needs system calls that the program may have forbidden under penalty of death.
static void forbid(long number, unsigned answer) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
  require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}
static void forbidden_clone(void) {
  IN_CHILD("fault") {
    forbid(SYS_clone, SECCOMP_RET_KILL_PROCESS);
    *nowhere = 1;
  }
}

// What it takes to send a signal again is refused.
static void refused_when_sent(void) {
  const long calls[] = {SYS_rt_sigaction, SYS_gettid, SYS_getpid};
  for (int i = 0; i < 3; i++) IN_CHILD("sent") {
      pid_t self = getpid();
      forbid(calls[i], SECCOMP_RET_ERRNO | EPERM);
      kill(self, SIGABRT);
    }
}

// Strict seccomp leaves a handler no call that it could use; only where the C library sets it does the shim
// know.
static void strict_mode_by_call(void) {
  IN_CHILD("fault") {
    syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
    *nowhere = 1;
  }
}

// A handler needs room for its frame: where a program's own alternate stack has none left, the kernel makes
// SIGSEGV of any signal.
static char small[16384] __attribute__((aligned(64)));
static void without_room(int number) {
  (void)number;
  raise(SIGFPE);
}
static void stack_without_room(void) {
  IN_CHILD("child") {
    // Enough for one frame, with all that this processor saves, but not for two.
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    stack_t stack = {.ss_sp = small, .ss_size = frame + frame / 2};
    require(frame && stack.ss_size <= sizeof small && sigaltstack(&stack, NULL) == 0, "sigaltstack");
    handle(SIGUSR1, without_room, SA_ONSTACK);
    raise(SIGUSR1);
  }
}


// So it is where a program's stack has no memory any more; aborting would be SIGABRT without us.
static void stack_without_memory(void) {
  IN_CHILD("child") {
    void *gone = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = gone, .ss_size = 65536};
    require(sigaltstack(&stack, NULL) == 0, "sigaltstack");
    raise(SIGABRT);
  }
}

const struct behaviour behaviours[] = {
    {"environment-of-dumps", environment_of_dumps},
    {"list-of-the-kernel", list_of_the_kernel},
    {"action-past-the-library", action_past_the_library},
    {"onstack-without-stack", onstack_without_stack},
    {"keys-left", keys_left},
    {"traced-fault", traced_fault},
    {"traced-sent", traced_sent},
    {"interrupted-init", interrupted_init},
    {"forbidden-clone", forbidden_clone},
    {"refused-when-sent", refused_when_sent},
    {"strict-mode-by-call", strict_mode_by_call},
    {"stack-without-room", stack_without_room},
    {"stack-without-memory", stack_without_memory},
    {NULL, NULL},
};
