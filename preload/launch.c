// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <stdatomic.h>

#include "collector.h"
#include "entry.h"
#include "log.h"
#include "machine.h"

extern char **environ __attribute__((weak));

// linux/sched.h, linux/wait.h, linux/futex.h, linux/prctl.h
enum {
  CLONE_MEMORY = 0x100,
  CLONE_SUSPENDING = 0x4000,  // CLONE_VFORK
  CLONE_UNTRACED = 0x800000,
  WAIT_FOR_ALL_KINDS = 0x40000000,  // __WALL
  WAIT_NOT = 1,                     // WNOHANG
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAKE_PRIVATE = 129,
  SET_DEATH_SIGNAL = 1,     // PR_SET_PDEATHSIG
  SET_TRACER = 0x59616d61,  // PR_SET_PTRACER
};

// The program must not notice that it has a child. A child that announces its end with no signal is
// out of sight of its waitpid, but one that executes a program announces it with SIGCHLD whatever
// was asked for (begin_new_exec in fs/exec.c). So there are two: a helper that nobody sees, in the
// crashed process's memory, and its child, which becomes the collector.
struct launch {
  const struct crash *crash;
  struct collector collector;
  _Atomic int child;  // the collector; FAILED once there is none
};
enum { UNKNOWN = 0, FAILED = -1 };

// All the memory that a crash takes, but for that of a huge environment: mapped before, and with a
// void on both sides. Whatever is mapped at the crash may lie where the crash is about: in the hole
// that a stack has left, behind a guard page.
enum { HELPER_STACK = 8 * 1024, COLLECTOR_STACK = 24 * 1024, ARENA = 192 * 1024, VOID = 64 * 1024 };
struct launch_pad {
  char void_below[VOID], collector_stack[COLLECTOR_STACK], helper_stack[HELPER_STACK];
  union {
    struct launch launch;  // behind it the collector's arena
    char arena[ARENA];
  };
  char void_above[VOID];
};

static struct launch_pad *prepared;
static atomic_flag in_use = ATOMIC_FLAG_INIT;

static struct launch_pad *map_pad(void) {
  struct launch_pad *pad = kernel_map_as(sizeof *pad, 0, MAP_PRIVATELY | MAP_WITHOUT_RESERVE);
  const size_t usable = COLLECTOR_STACK + HELPER_STACK + ARENA;
  if (!pad) return NULL;
  if (kernel_allow_writing(pad->collector_stack, usable)) {
    kernel_unmap(pad, sizeof *pad);
    return NULL;
  }
  kernel_name_memory(pad->collector_stack, usable, "inquest");
  return pad;
}

// Another one where the first is in use: by a vforked child that crashes at the same time.
static struct launch_pad *take_pad(void) {
  return prepared && !atomic_flag_test_and_set(&in_use) ? prepared : map_pad();
}

static void give_back(struct launch_pad *pad) {
  if (pad == prepared)
    atomic_flag_clear(&in_use);
  else
    kernel_unmap(pad, sizeof *pad);
}

static struct launch_pad *pad_of(struct launch *launch) {
  return (struct launch_pad *)((char *)launch - offsetof(struct launch_pad, launch));
}

void launch_prepare(void) { prepared = map_pad(); }

static long wait_for(long child, int flags) {
  const long interrupted = -4;  // EINTR
  long result;
  do result = raw_syscall(NUMBER_WAIT4, child, 0, WAIT_FOR_ALL_KINDS | flags, 0, 0, 0);
  while (result == interrupted);
  return result;
}

// A fault of the child's, which reads an environment that may be corrupt, stays its own.
static void vanish(int number) {
  (void)number;
  kernel_exit(127);
}

// The program's handlers must not run in the child, in the program's memory; a crash within it must
// not kill the process that it shares this memory with (before Linux 5.16 a core dump does); and
// the collector wants to hear of its children. All that it inherits is what is ignored.
static void reset_signals(void) {
  const struct kernel_action standard = {.handler = ACTION_DEFAULT};
  const struct kernel_action vanishing = {
      .handler = vanish, .flags = MACHINE_RESTORER_FLAG, .restorer = MACHINE_RESTORER};
  struct kernel_action found;
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    if (kernel_sigaction(number, NULL, &found)) continue;
    if (found.handler != ACTION_IGNORE || number == CHILD_ENDED)
      kernel_sigaction(number, &standard, NULL);
  }
  kernel_sigaction(BAD_MEMORY, &vanishing, NULL);
  kernel_sigaction(BUS_ERROR, &vanishing, NULL);
  kernel_set_mask(0);
}

static char *decimal(struct arena *arena, long number) {
  char *room = arena_take(arena, 1 + DECIMAL_ROOM);
  if (!room) return NULL;
  char *text =
      text_decimal(room + 1, number < 0 ? 0 - (unsigned long)number : (unsigned long)number);
  if (number < 0) *--text = '-';
  return text;
}

enum {
  SIGNAL = 7,
  ARGUMENTS = 18,
  ARGUMENT_ROOM = ARGUMENTS * (sizeof(char *) + DECIMAL_ROOM + 16)
};

// As createdump is told of a crash by a runtime.
static char **arguments_for(const struct crash *crash, struct arena *arena) {
  const struct signal_information *information = crash->information;
  char **to = arena_take(arena, ARGUMENTS * sizeof *to);
  if (!to) return NULL;
  char *process = decimal(arena, crash->process);
  size_t count = 0;
  to[count++] = (char *)"inquest-collector";
  to[count++] = (char *)"crash";
  to[count++] = (char *)"--pid";
  to[count++] = process;
  to[count++] = (char *)"--";
  to[count++] = (char *)"createdump";
  to[count++] = (char *)"--signal";
  to[count++] = decimal(arena, crash->number);
  to[count++] = (char *)"--code";
  to[count++] = decimal(arena, information->code);
  to[count++] = (char *)"--errno";
  to[count++] = decimal(arena, information->error);
  to[count++] = (char *)"--address";
  to[count++] = decimal(arena, (long)information->address);
  to[count++] = (char *)"--crashthread";
  to[count++] = decimal(arena, crash->thread);
  to[count++] = process;
  to[count] = NULL;
  return arena->exhausted ? NULL : to;
}

static void become_collector(void *argument) {
  struct launch *launch = argument;
  struct collector *collector = &launch->collector;
  char *const *own = &environ ? environ : NULL;
  reset_signals();
  struct launch_pad *pad = pad_of(launch);
  const struct arena spare = {(char *)(launch + 1), pad->arena + ARENA, false};
  collector_prepare(collector, own, own, ARGUMENT_ROOM, spare);
  char **environment = collector_environment(collector, true);
  char **arguments = arguments_for(launch->crash, &collector->arena);
  if (arguments) log_debug(own, "caught signal ", arguments[SIGNAL], "", "");
  if (environment && arguments)
    collector_execute(collector, arguments, environment);
  else
    log_error("no memory to start the collector", "", "", "");
  kernel_exit(127);
}

static void help(void *argument) {
  struct launch *launch = argument;
  struct launch_pad *pad = pad_of(launch);
  // Should the process be killed meanwhile, its memory and its sockets must not live on here.
  kernel_prctl(SET_DEATH_SIGNAL, KILL, 0, 0, 0);
  kernel_close_from(STANDARD_ERROR + 1, 0);
  // Runs on when the child has executed the collector, or has ended.
  long child = clone_onto(CLONE_MEMORY | CLONE_SUSPENDING | CLONE_UNTRACED,
                          pad->collector_stack + COLLECTOR_STACK, become_collector, launch);
  atomic_store(&launch->child, child > 0 ? (int)child : FAILED);
  raw_syscall(NUMBER_FUTEX, (long)&launch->child, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
  if (child > 0) wait_for(child, 0);
  kernel_exit(0);
}

// The helper may be killed before it says anything.
static int await_child(struct launch *launch, long helper) {
  const long tenth_of_second[2] = {0, 100000000};
  int child;
  while ((child = atomic_load(&launch->child)) == UNKNOWN) {
    raw_syscall(NUMBER_FUTEX, (long)&launch->child, FUTEX_WAIT_PRIVATE, UNKNOWN,
                (long)tenth_of_second, 0, 0);
    if (wait_for(helper, WAIT_NOT) != 0) return FAILED;
  }
  return child;
}

static void report_failure(const char *what, long error) {
  char room[DECIMAL_ROOM];
  log_error("cannot start a process for the collector: ", what, "error ",
            text_decimal(room, (unsigned long)-error));
}

void launch_collector(const struct crash *crash) {
  struct launch_pad *pad = take_pad();
  if (!pad) {
    report_failure("no memory, ", -NO_MEMORY);
    return;
  }
  struct launch *launch = &pad->launch;
  launch->crash = crash;
  launch->child = UNKNOWN;
  launch->collector.mapped = NULL;
  long helper =
      clone_onto(CLONE_MEMORY | CLONE_UNTRACED, pad->helper_stack + HELPER_STACK, help, launch);
  if (helper < 0) report_failure("", helper);
  int child = helper < 0 ? FAILED : await_child(launch, helper);
  if (child != FAILED) {
    // As a runtime does for createdump: with Yama's ptrace_scope 1 only descendants may trace.
    kernel_prctl(SET_TRACER, child, 0, 0, 0);
    wait_for(helper, 0);
  }
  if (launch->collector.mapped) kernel_unmap(launch->collector.mapped, launch->collector.size);
  give_back(pad);
}
