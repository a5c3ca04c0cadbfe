// SPDX-License-Identifier: Apache-2.0
// fork, vfork, clone, posix_spawn, and what a parent sees of its children.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "contract.h"

extern char **environ;

static volatile sig_atomic_t count;
static void counting(int number) {
  (void)number;
  count++;
}

static void fork_child_dies(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  IN_CHILD("fault") *nowhere = 1;
}

static void fork_twice(void) {
  IN_CHILD("child") {
    IN_CHILD("grandchild") *nowhere = 1;
    *nowhere = 1;
  }
}

static void vfork_child_dies(void) {
  for (int i = 0; i < FATAL; i++) {
    pid_t child = vfork();
    if (child == 0) {
      kill(getpid(), fatal[i]);  // musl's raise would mean the parent
      _exit(0);
    }
    say_end(signal_name(fatal[i]), wait_for(child));
  }
  pid_t child = vfork();
  if (child == 0) {
    *nowhere = 1;
    _exit(0);
  }
  say_end("fault", wait_for(child));
}

static void parent_survives_vfork_child(void) {
  for (volatile int i = 0; i < 3; i++) {
    pid_t child = vfork();
    if (child == 0) {
      *nowhere = 1;
      _exit(0);
    }
    say_end("child", wait_for(child));
  }
  struct sigaction now;
  sigaction(SIGSEGV, NULL, &now);
  say_action("parent", &now);
  IN_CHILD("last") *nowhere = 1;
}

static void vfork_child_changes_actions(void) {
  struct sigaction now;
  handle(SIGSEGV, counting, SA_RESTART);
  pid_t child = vfork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_IGN);
    _exit(0);
  }
  wait_for(child);
  sigaction(SIGSEGV, NULL, &now);
  say_action("SIGSEGV", &now);
  sigaction(SIGBUS, NULL, &now);
  say_action("SIGBUS", &now);
}

static char *clone_stack(void) {
  size_t size = 65536;
  char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(stack != MAP_FAILED, "mmap");
  return stack + size;
}

static int cloned(void *dies) {
  if (dies) *nowhere = 1;
  return 7;
}

static void clone_child(void) {
  const int flags[] = {0, CLONE_VM, CLONE_VM | CLONE_VFORK, CLONE_FILES | CLONE_FS};
  for (int i = 0; i < 8; i++) {
    pid_t child = clone(cloned, clone_stack(), flags[i / 2] | SIGCHLD, i % 2 ? (void *)1 : NULL);
    require(child > 0, "clone");
    say_end(i % 2 ? "dying" : "returning", wait_for(child));
  }
}

static void clone_with_other_signal(void) {
  int status;
  handle(SIGUSR1, counting, 0);
  pid_t child = clone(cloned, clone_stack(), SIGUSR1, (void *)1);
  pid_t found = waitpid(child, &status, 0);
  say("without __WALL: %d %s", found < 0 ? -1 : 1, error_name(errno));
  while (waitpid(child, &status, __WALL) < 0 && errno == EINTR) continue;
  say_end("child", status);
  say("%d signal", (int)count);
}

// What a program that waits for any child sees, before, while and after others die.
static void no_strange_children(void) {
  int status;
  errno = 0;
  pid_t found = waitpid(-1, &status, WNOHANG);
  say("%d %s", (int)found, error_name(errno));
  IN_CHILD("only one") {
    handle(SIGCHLD, counting, 0);
    errno = 0;
    found = waitpid(-1, &status, WNOHANG | __WALL);
    say("child: %d %s, %d times SIGCHLD", (int)found, error_name(errno), (int)count);
    *nowhere = 1;
  }
  errno = 0;
  found = waitpid(-1, &status, __WALL);
  say("%d %s", (int)found, error_name(errno));
}

static void child_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  say("code %d status %s", info->si_code, signal_name(info->si_status));
}

static void sigchld_of_a_death(void) {
  handle_with_info(SIGCHLD, child_signal, SA_RESTART);
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  IN_CHILD("fault") *nowhere = 1;
}

static void dies_with_sigchld(void) {
  IN_CHILD("ignored") {
    signal(SIGCHLD, SIG_IGN);
    *nowhere = 1;
  }
  IN_CHILD("no zombies") {
    handle(SIGCHLD, counting, SA_NOCLDWAIT);
    raise(SIGABRT);
  }
  IN_CHILD("blocked") {
    block(SIGCHLD);
    raise(SIGABRT);
  }
}

static void hearing(int number) { say("heard %s", signal_name(number)); }
static void *pausing(void *unused) {
  for (;;) pause();
  return unused;
}

// A thread that does not die itself may still hear of children.
static void other_thread_hears_nothing(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      pthread_t thread;
      handle(SIGCHLD, hearing, 0);
      pthread_create(&thread, NULL, pausing, NULL);
      if (i < FATAL) pthread_kill(pthread_self(), fatal[i]);
      *nowhere = 1;
    }
}

static void ignored_children_vanish(void) {
  signal(SIGCHLD, SIG_IGN);
  pid_t child = fork();
  if (child == 0) *nowhere = 1;
  int status;
  errno = 0;
  pid_t found = waitpid(child, &status, 0);
  say("%d %s", (int)found, error_name(errno));
}

static void waitid_of_a_death(void) {
  for (int i = 0; i <= FATAL; i++) {
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) {
      if (i < FATAL) raise(fatal[i]);
      *nowhere = 1;
    }
    for (int round = 0; round < 2; round++) {
      memset(&info, 0, sizeof info);
      waitid(P_PID, (id_t)child, &info, WEXITED | (round ? 0 : WNOWAIT));
      say("code %d status %s", info.si_code, signal_name(info.si_status));
    }
  }
}

static void orphan_dies(void) {
  int ends[2];
  char byte;
  require(pipe(ends) == 0, "pipe");
  IN_CHILD("parent") if (fork() == 0) {
    close(ends[0]);
    *nowhere = 1;
  }
  close(ends[1]);
  say("all ends closed: %zd", read(ends[0], &byte, 1));
}

static void spawn(const char *what, const char *path, char **arguments,
                  posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  pid_t child;
  int result = posix_spawn(&child, path, actions, attributes, arguments, environ);
  int status = result == 0 ? wait_for(child) : 0;
  say("%s: %s", what, error_name(result));
  if (result == 0) say_end(what, status);
}

static void spawn_dying(void) {
  for (int i = 0; i < FATAL; i++) {
    char script[64];
    snprintf(script, sizeof script, "kill -%d $$", fatal[i]);
    char *arguments[] = {"sh", "-c", script, NULL};
    spawn(signal_name(fatal[i]), "/bin/sh", arguments, NULL, NULL);
  }
}

static void spawn_failing(void) {
  char *arguments[] = {"x", NULL};
  spawn("missing", "/nonexistent/x", arguments, NULL, NULL);
  spawn("folder", "/", arguments, NULL, NULL);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 5, "/nonexistent/x", O_RDONLY, 0);
  spawn("failing action", "/bin/true", arguments, &actions, NULL);
  int status;
  say("nobody left: %d", (int)waitpid(-1, &status, WNOHANG));
}

static void spawn_attributes(void) {
  char *inherited[] = {"contract", "masks-and-ignored", NULL};
  char *shell[] = {"sh", "-c", "kill -11 $$; echo survived", NULL};
  posix_spawnattr_t attributes;
  sigset_t set;
  signal(SIGSEGV, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  block(SIGABRT);
  spawn("as they are", "/proc/self/exe", inherited, NULL, NULL);
  spawn("ignored", "/bin/sh", shell, NULL, NULL);
  posix_spawnattr_init(&attributes);
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes, &set);
  sigaddset(&set, SIGSEGV);
  posix_spawnattr_setsigdefault(&attributes, &set);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  spawn("set", "/proc/self/exe", inherited, NULL, &attributes);
  spawn("default", "/bin/sh", shell, NULL, &attributes);
}

static void spawn_file_actions(void) {
  char *arguments[] = {"sh", "-c", "echo to the fifth >&5; read line; echo \"read $line\"", NULL};
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 1, 5);
  posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  require(write(ends[1], "words\n", 6) == 6, "write");
  spawn("shell", "/bin/sh", arguments, &actions, NULL);
}

static void masks_and_ignored(void) {
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  say_set("blocked", &now);
  sigset_t ignored;
  sigemptyset(&ignored);
  for (int number = 1; number < 32; number++) {
    struct sigaction action;
    sigaction(number, NULL, &action);
    if (action.sa_handler == SIG_IGN) sigaddset(&ignored, number);
  }
  say_set("ignored", &ignored);
}

static void inherited_by_exec(void) {
  signal(SIGTRAP, SIG_IGN);
  signal(SIGFPE, counting);
  block(SIGILL);
  raise(SIGILL);
  execute_self("masks-and-ignored");
}

static void inherited_by_fork(void) {
  signal(SIGTRAP, SIG_IGN);
  block(SIGSYS);
  raise(SIGSYS);
  IN_CHILD("child") {
    sigset_t pending;
    masks_and_ignored();
    sigpending(&pending);
    say_set("pending", &pending);
    unblock(SIGSYS);
  }
}

static void system_and_popen(void) {
  char line[64];
  say_end("system", system("kill -SEGV $$"));
  say_end("system", system("exit 5"));
  FILE *pipe = popen("echo words; kill -ABRT $$", "r");
  require(pipe && fgets(line, sizeof line, pipe), "popen");
  say("%s", line);
  say_end("popen", pclose(pipe));
}

static void groups_and_sessions(void) {
  // Two that dump at once into one folder are in each other's way.
  IN_CHILD("leader") {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    say("%d", setsid() == getpid());
    say("%d", getpgrp() == getpid());
    pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    killpg(getpgrp(), SIGSEGV);
  }
  IN_CHILD("group") {
    setpgid(0, 0);
    say("%d", getsid(0) != getpid());
    kill(0, SIGABRT);
  }
}

const struct behaviour behaviours[] = {
    {"fork-child-dies", fork_child_dies},
    {"fork-twice", fork_twice},
    {"vfork-child-dies", vfork_child_dies},
    {"parent-survives-vfork-child", parent_survives_vfork_child},
    {"vfork-child-changes-actions", vfork_child_changes_actions},
    {"clone-child", clone_child},
    {"clone-with-other-signal", clone_with_other_signal},
    {"no-strange-children", no_strange_children},
    {"sigchld-of-a-death", sigchld_of_a_death},
    {"dies-with-sigchld", dies_with_sigchld},
    {"other-thread-hears-nothing", other_thread_hears_nothing},
    {"ignored-children-vanish", ignored_children_vanish},
    {"waitid-of-a-death", waitid_of_a_death},
    {"orphan-dies", orphan_dies},
    {"spawn-dying", spawn_dying},
    {"spawn-failing", spawn_failing},
    {"spawn-attributes", spawn_attributes},
    {"spawn-file-actions", spawn_file_actions},
    {"masks-and-ignored", masks_and_ignored},
    {"inherited-by-exec", inherited_by_exec},
    {"inherited-by-fork", inherited_by_fork},
    {"system-and-popen", system_and_popen},
    {"groups-and-sessions", groups_and_sessions},
    {NULL, NULL},
};
