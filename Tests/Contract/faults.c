// SPDX-License-Identifier: Apache-2.0
// Instructions that cannot be executed: what a handler is told, and how the program dies without one.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>

#include "contract.h"

static char *page;  // the place that the fault is to be about, or NULL
static sigjmp_buf back;

static void report(int number, siginfo_t *info, void *context) {
  (void)context;
  say("%s code %d", signal_name(number), info->si_code);
  if (page) say("address %+ld", (long)((char *)info->si_addr - page));
  if (!page && info->si_code == SI_KERNEL) say("address %ld", (long)info->si_addr);
  siglongjmp(back, 1);
}

// The fault once with a handler that tells about it, once without, once more with every kind of obstacle
// that makes the kernel kill at once; also in a thread.
static void *without_handler(void *fault) {
  ((void (*)(void))fault)();
  say("not reached");
  return NULL;
}

static void show(void (*fault)(void), int expected) {
  for (int i = 0; i < FATAL; i++) handle_with_info(fatal[i], report, 0);
  if (sigsetjmp(back, 1) == 0) without_handler((void *)fault);
  for (int i = 0; i < FATAL; i++) signal(fatal[i], SIG_DFL);
  IN_CHILD("by default") without_handler((void *)fault);
  IN_CHILD("ignored") {
    signal(expected, SIG_IGN);
    without_handler((void *)fault);
  }
  IN_CHILD("blocked") {
    block(expected);
    without_handler((void *)fault);
  }
  IN_CHILD("handled, but blocked") {
    handle_with_info(expected, report, 0);
    block(expected);
    without_handler((void *)fault);
  }
  IN_CHILD("in a thread") {
    pthread_t thread;
    pthread_create(&thread, NULL, without_handler, (void *)fault);
    pthread_join(thread, NULL);
  }
  IN_CHILD("in a child's child") IN_CHILD("grandchild") without_handler((void *)fault);
}

static void write_null(void) { *nowhere = 1; }
static void read_null(void) { (void)*nowhere; }
static void show_write_null(void) { show(write_null, SIGSEGV); }
static void show_read_null(void) { show(read_null, SIGSEGV); }

static void call_null(void) { ((void (*)(void))nowhere)(); }
static void show_call_null(void) { show(call_null, SIGSEGV); }

static char *map(int protection, size_t size) {
  char *result = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(result != MAP_FAILED, "mmap");
  return result;
}

static void write_page(void) { page[8] = 1; }
static void show_unmapped(void) {
  page = (char *)0x200000;  // the kernel maps nothing that low unless asked to
  show(write_page, SIGSEGV);
}

static void show_read_only(void) {
  page = map(PROT_READ, 4096);
  show(write_page, SIGSEGV);
}

static void execute_page(void) { ((void (*)(void))page)(); }
static void show_not_executable(void) {
  page = map(PROT_READ | PROT_WRITE, 4096);
  show(execute_page, SIGSEGV);
}

static void show_past_end_of_file(void) {
  int file = open(".", O_TMPFILE | O_RDWR, 0600);
  require(file >= 0 && ftruncate(file, 100) == 0, "a file");
  page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  require(page != MAP_FAILED, "mmap");
  page += 4096;
  show(write_page, SIGBUS);
}

static void write_below_code(void) { *(volatile char *)(uintptr_t)write_null = 1; }
static void show_write_code(void) { show(write_below_code, SIGSEGV); }

static void trap(void) { __builtin_trap(); }
static void show_builtin_trap(void) { show(trap, SIGILL); }

static void raise_in_order(void) { raise(SIGABRT); }
static void show_raised(void) { show(raise_in_order, SIGABRT); }

#ifdef __x86_64__
// Each returns only if the processor does not mind.
static void divide_by_zero(void) {
  __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "eax", "ecx", "edx");
}
static void show_division_by_zero(void) { show(divide_by_zero, SIGFPE); }

static void divide_overflowing(void) {
  __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx" ::: "eax", "ecx", "edx");
}
static void show_division_overflow(void) { show(divide_overflowing, SIGFPE); }

static void divide_vector(void) {
  uint32_t unmasked = 0x1f80 & ~0x200u;  // MXCSR without the mask of divisions by zero
  double one = 1, zero = 0;
  __asm__ volatile("ldmxcsr %0; divsd %1, %2" ::"m"(unmasked), "x"(zero), "x"(one));
}
static void show_vector_division(void) { show(divide_vector, SIGFPE); }

static void divide_x87(void) {
  uint16_t control = 0x037f & ~4;  // the control word without the mask of divisions by zero
  __asm__ volatile("fldcw %0; fldz; fld1; fdivp; fwait" ::"m"(control));
}
static void show_x87_division(void) { show(divide_x87, SIGFPE); }

static void breakpoint(void) { __asm__ volatile("int3"); }
static void show_int3(void) { show(breakpoint, SIGTRAP); }

static void long_breakpoint(void) { __asm__ volatile(".byte 0xcd, 0x03"); }
static void show_long_int3(void) { show(long_breakpoint, SIGTRAP); }

static void overflow_trap(void) { __asm__ volatile(".byte 0xcd, 0x04"); }
static void show_int4(void) { show(overflow_trap, SIGSEGV); }

static void forbidden_interrupt(void) { __asm__ volatile("int $0x2d"); }
static void show_forbidden_interrupt(void) { show(forbidden_interrupt, SIGSEGV); }

static void icebp(void) { __asm__ volatile(".byte 0xf1"); }
static void show_icebp(void) { show(icebp, SIGTRAP); }

static void single_step(void) {
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc");
}
static void show_single_step(void) { show(single_step, SIGTRAP); }

static void invalid_opcode(void) { __asm__ volatile("ud2"); }
static void show_invalid_opcode(void) { show(invalid_opcode, SIGILL); }

static void halt(void) { __asm__ volatile("hlt"); }
static void show_halt(void) { show(halt, SIGSEGV); }

static void non_canonical(void) { *(volatile char *)0x1234567812345678 = 1; }
static void show_non_canonical(void) { show(non_canonical, SIGSEGV); }

static void non_canonical_stack(void) {
  __asm__ volatile("mov $0x1234567812345678, %%rax; mov %%rax, %%rsp; push %%rax" ::: "rax", "memory");
}
static void show_non_canonical_stack(void) {
  // A handler has no stack to run on: only the deaths.
  IN_CHILD("by default") non_canonical_stack();
  IN_CHILD("handled") {
    handle(SIGBUS, _exit, 0);
    handle(SIGSEGV, _exit, 0);
    non_canonical_stack();
  }
}

static void unaligned(void) {
  static uint64_t words[2];
  __asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq; mov (%0), %%rax" ::"r"((char *)words + 1)
                   : "rax", "memory", "cc");
}
static void show_unaligned(void) {
  IN_CHILD("by default") unaligned();
  IN_CHILD("in a thread") {
    pthread_t thread;
    pthread_create(&thread, NULL, without_handler, (void *)unaligned);
    pthread_join(thread, NULL);
  }
}

static void unaligned_vector(void) {
  static char bytes[64] __attribute__((aligned(16)));
  __asm__ volatile("movaps (%0), %%xmm0" ::"r"(bytes + 1) : "xmm0");
}
static void show_unaligned_vector(void) { show(unaligned_vector, SIGSEGV); }

// A handler that puts the program behind the faulting instruction, as runtimes do.
static void step_over(int number, siginfo_t *info, void *context) {
  ucontext_t *user = context;
  say("%s code %d", signal_name(number), info->si_code);
  user->uc_mcontext.gregs[REG_RIP] += 2;
}
static void handler_steps_over(void) {
  handle_with_info(SIGILL, step_over, 0);
  for (int i = 0; i < 3; i++) __asm__ volatile("ud2");
  say("went on");
}

// rt_sigreturn(2) with a stack that holds no frame.
static void failed_return(void) {
  __asm__ volatile("mov $16, %%rsp; mov $15, %%eax; syscall" ::: "rax", "memory");
}
static void show_failed_sigreturn(void) { IN_CHILD("by default") failed_return(); }

static void corrupt(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] = 0x1000;
}
static void show_corrupt_saved_stack(void) {
  IN_CHILD("by default") {
    handle_with_info(SIGUSR1, corrupt, 0);
    raise(SIGUSR1);
  }
}
#endif

static void repair(int number, siginfo_t *info, void *context) {
  (void)context;
  say("%s code %d at %ld", signal_name(number), info->si_code, (long)((char *)info->si_addr - page));
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}
static void handler_repairs(void) {
  page = map(PROT_NONE, 4096);
  handle_with_info(SIGSEGV, repair, 0);
  for (int i = 0; i < 3; i++) {
    write_page();
    mprotect(page, 4096, PROT_NONE);
  }
  say("went on");
}

static void give_up(int number) {
  say("giving up on %s", signal_name(number));
  signal(number, SIG_DFL);
}
static void handler_gives_up(void) {
  IN_CHILD("faulting") {
    handle(SIGSEGV, give_up, 0);
    write_null();
  }
  IN_CHILD("sent") {
    handle(SIGSEGV, give_up, 0);
    raise(SIGSEGV);
    say("goes on");
    raise(SIGSEGV);
  }
}

static void give_up_and_raise(int number) {
  give_up(number);
  raise(number);
}
static void handler_raises_again(void) {
  IN_CHILD("faulting") {
    handle(SIGSEGV, give_up_and_raise, 0);
    write_null();
  }
  IN_CHILD("not blocked") {
    handle(SIGSEGV, give_up_and_raise, SA_NODEFER);
    write_null();
  }
}

static struct sigaction before;
static void chain(int number, siginfo_t *info, void *context) {
  (void)context;
  say("%s code %d", signal_name(number), info->si_code);
  sigaction(number, &before, NULL);
  // What follows a fault comes by itself; what was sent must be sent again.
  if (info->si_code <= 0) raise(number);
}
static void handler_chains(void) {
  for (int i = 0; i < 2 * FATAL; i++) IN_CHILD(signal_name(fatal[i / 2])) {
      struct sigaction mine = {.sa_flags = SA_SIGINFO};
      mine.sa_sigaction = chain;
      sigemptyset(&mine.sa_mask);
      sigaction(fatal[i / 2], &mine, &before);
      if (i % 2) raise(fatal[i / 2]);
      if (i == 0) write_null();
    }
}

static void fault_in_handler_of(int number) {
  say("in %s", signal_name(number));
  write_null();
}
static void fault_inside_handler(void) {
  IN_CHILD("another signal's") {
    handle(SIGUSR1, fault_in_handler_of, 0);
    raise(SIGUSR1);
  }
  IN_CHILD("its own") {
    handle(SIGSEGV, fault_in_handler_of, 0);
    write_null();
  }
}

static void fault_many_times(void) {
  page = map(PROT_READ, 4096);
  volatile int rounds = 0;
  handle_with_info(SIGSEGV, report, 0);
  for (int i = 0; i < 20; i++)
    if (sigsetjmp(back, 1) == 0) write_page();
    else rounds++;
  say("%d rounds", rounds);
  signal(SIGSEGV, SIG_DFL);
  IN_CHILD("at last") write_page();
}

static void main_program_dies(void) { write_null(); }

const struct behaviour behaviours[] = {
    {"write-null", show_write_null},
    {"read-null", show_read_null},
    {"call-null", show_call_null},
    {"unmapped", show_unmapped},
    {"read-only", show_read_only},
    {"not-executable", show_not_executable},
    {"past-end-of-file", show_past_end_of_file},
    {"write-code", show_write_code},
    {"builtin-trap", show_builtin_trap},
    {"raised-abort", show_raised},
#ifdef __x86_64__
    {"division-by-zero", show_division_by_zero},
    {"division-overflow", show_division_overflow},
    {"vector-division", show_vector_division},
    {"x87-division", show_x87_division},
    {"int3", show_int3},
    {"int3-long", show_long_int3},
    {"int4", show_int4},
    {"forbidden-interrupt", show_forbidden_interrupt},
    {"icebp", show_icebp},
    {"single-step", show_single_step},
    {"invalid-opcode", show_invalid_opcode},
    {"halt", show_halt},
    {"non-canonical", show_non_canonical},
    {"non-canonical-stack", show_non_canonical_stack},
    {"unaligned-checked", show_unaligned},
    {"unaligned-vector", show_unaligned_vector},
    {"handler-steps-over", handler_steps_over},
    {"failed-sigreturn", show_failed_sigreturn},
    {"corrupt-saved-stack", show_corrupt_saved_stack},
#endif
    {"handler-repairs", handler_repairs},
    {"handler-gives-up", handler_gives_up},
    {"handler-raises-again", handler_raises_again},
    {"handler-chains", handler_chains},
    {"fault-inside-handler", fault_inside_handler},
    {"fault-many-times", fault_many_times},
    {"main-program-dies", main_program_dies},
    {NULL, NULL},
};
