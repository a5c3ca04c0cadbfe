// SPDX-License-Identifier: Apache-2.0
// prctl(2) and seccomp(2): what is set stays set, and filters decide as without us.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "contract.h"

static void flags_at_start(void) {
  say("dumpable %d", prctl(PR_GET_DUMPABLE));
  say("keepcaps %d", prctl(PR_GET_KEEPCAPS));
  say("no new privileges %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  say("timer slack %d", prctl(PR_GET_TIMERSLACK));
  say("seccomp %d", prctl(PR_GET_SECCOMP));
  int value = -1;
  prctl(PR_GET_PDEATHSIG, &value);
  say("death signal %d", value);
  prctl(PR_GET_CHILD_SUBREAPER, &value);
  say("subreaper %d", value);
  char name[17] = "";
  prctl(PR_GET_NAME, name);
  say("name %s", name);
  say("securebits %d", prctl(PR_GET_SECUREBITS));
}

static void flags_set(void) {
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 12345);
  prctl(PR_SET_PDEATHSIG, SIGUSR1);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "another");
  flags_at_start();
  IN_CHILD("child") flags_at_start();
}

static void kept_by_exec(void) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGUSR1);
  execute_self("flags-at-start");
}

static void dies_with_flags(void) {
  IN_CHILD("no new privileges") {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    *nowhere = 1;
  }
  IN_CHILD("subreaper") {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    *nowhere = 1;
  }
  IN_CHILD("renamed") {
    prctl(PR_SET_NAME, "a\n(b) c");
    *nowhere = 1;
  }
}

// A subreaper that counts its children gets none that it does not know.
static void subreaper_of_a_death(void) {
  int status;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  IN_CHILD("child") IN_CHILD("grandchild") *nowhere = 1;
  errno = 0;
  pid_t found = waitpid(-1, &status, __WALL);
  say("%d %s", (int)found, error_name(errno));
}

static void death_signal_of_parent(void) {
  int ends[2];
  char byte;
  require(pipe(ends) == 0, "pipe");
  IN_CHILD("parent") {
    int ready[2];
    require(pipe(ready) == 0, "pipe");
    if (fork() == 0) {
      close(ends[0]);
      prctl(PR_SET_PDEATHSIG, SIGSEGV);
      if (write(ready[1], "x", 1) == 1)
        for (;;) pause();
    }
    require(read(ready[0], &byte, 1) == 1, "read");
  }
  close(ends[1]);
  say("all gone: %zd", read(ends[0], &byte, 1));
}

// One system call answered by `action`, all others allowed.
static void filter(long number, unsigned action) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
  require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static void trapped(int number, siginfo_t *info, void *context) {
  (void)context;
  say("%s code %d errno %d call %d", signal_name(number), info->si_code, info->si_errno,
      info->si_syscall == SYS_getppid);
}

static void seccomp_trap(void) {
  IN_CHILD("handled") {
    handle_with_info(SIGSYS, trapped, 0);
    filter(SYS_getppid, SECCOMP_RET_TRAP | 5);
    say("returns own number: %d", syscall(SYS_getppid) == SYS_getppid || errno == ENOSYS);
  }
  IN_CHILD("by default") {
    filter(SYS_getppid, SECCOMP_RET_TRAP);
    syscall(SYS_getppid);
    say("not reached");
  }
  IN_CHILD("ignored") {
    signal(SIGSYS, SIG_IGN);
    filter(SYS_getppid, SECCOMP_RET_TRAP);
    syscall(SYS_getppid);
    say("not reached");
  }
  IN_CHILD("blocked") {
    block(SIGSYS);
    filter(SYS_getppid, SECCOMP_RET_TRAP);
    syscall(SYS_getppid);
    say("not reached");
  }
}

static void *ask_parent(void *unused) {
  syscall(SYS_getppid);
  return unused;
}

static void seccomp_trap_in_thread(void) {
  IN_CHILD("by default") {
    pthread_t thread;
    filter(SYS_getppid, SECCOMP_RET_TRAP);
    pthread_create(&thread, NULL, ask_parent, NULL);
    pthread_join(thread, NULL);
    say("not reached");
  }
}

static void seccomp_kills(void) {
  const unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD};
  for (int i = 0; i < 2; i++) {
    IN_CHILD("main") {
      filter(SYS_getppid, actions[i]);
      syscall(SYS_getppid);
    }
    IN_CHILD("handled") {
      handle_with_info(SIGSYS, trapped, 0);
      filter(SYS_getppid, actions[i]);
      syscall(SYS_getppid);
    }
  }
  IN_CHILD("thread") {
    pthread_t thread;
    filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    pthread_create(&thread, NULL, ask_parent, NULL);
    pthread_join(thread, NULL);
  }
}

static void seccomp_errno(void) {
  filter(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV);
  errno = 0;
  long result = syscall(SYS_getppid);
  say("%ld %s", result, error_name(errno));
}

// Whatever a catcher may want of the kernel in the end is refused.
static void dies_though_refused(void) {
  const long calls[] = {SYS_clone,  SYS_mmap,   SYS_prctl,          SYS_wait4,
                        SYS_execve, SYS_futex,  SYS_rt_tgsigqueueinfo, SYS_munmap,
                        SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_gettid, SYS_getpid};
  const size_t needed = 9;  // from here on a signal that was sent cannot be sent again: differences.c
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    IN_CHILD("fault") {
      filter(calls[i], SECCOMP_RET_ERRNO | EPERM);
      *nowhere = 1;
    }
    if (i < needed) IN_CHILD("sent") {
      pid_t self = getpid();
      filter(calls[i], SECCOMP_RET_ERRNO | EPERM);
      kill(self, SIGABRT);
    }
  }
}

// A sandbox that knows which calls threads take, and no others.
static void threads_in_a_sandbox(void) {
  const long refused[] = {SYS_prctl, SYS_munlock, SYS_madvise, SYS_mremap, SYS_fcntl};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    IN_CHILD("thread") {
      pthread_t thread;
      filter(refused[i], SECCOMP_RET_KILL_PROCESS);
      say("created %d", pthread_create(&thread, NULL, ask_parent, NULL));
      say("joined %d", pthread_join(thread, NULL));
    }
  }
}

// What a process queues to itself may have a fault's code, and is none.
static void forged_faults(void) {
  const int codes[] = {SEGV_MAPERR, SEGV_ACCERR};
  for (int i = 0; i < FATAL; i++) {
    for (int c = 0; c < 2; c++) {
      IN_CHILD(signal_name(fatal[i])) {
        siginfo_t info = {.si_signo = fatal[i], .si_code = codes[c]};
        info.si_addr = (void *)0x1234;
        syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), fatal[i], &info);
        say("not reached");
      }
    }
  }
}

static void strict_mode(void) {
  IN_CHILD("reading and writing") {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    say("still writing");
    syscall(SYS_exit, 5);
  }
  IN_CHILD("another call") {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    syscall(SYS_getppid);
  }
  // None of the calls that a catcher needs is left.
  IN_CHILD("fault") {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    *nowhere = 1;
  }
  IN_CHILD("trap") {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    __builtin_trap();
  }
}

const struct behaviour behaviours[] = {
    {"flags-at-start", flags_at_start},
    {"flags-set", flags_set},
    {"kept-by-exec", kept_by_exec},
    {"dies-with-flags", dies_with_flags},
    {"subreaper-of-a-death", subreaper_of_a_death},
    {"death-signal-of-parent", death_signal_of_parent},
    {"seccomp-trap", seccomp_trap},
    {"seccomp-trap-in-thread", seccomp_trap_in_thread},
    {"seccomp-kills", seccomp_kills},
    {"seccomp-errno", seccomp_errno},
    {"dies-though-refused", dies_though_refused},
    {"threads-in-a-sandbox", threads_in_a_sandbox},
    {"forged-faults", forged_faults},
    {"strict-mode", strict_mode},
    {NULL, NULL},
};
