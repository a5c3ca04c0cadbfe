// Signal handlers: on a stack of their own, above faults in odd places, one above another.
#include "scene.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int sink;
static int *volatile nowhere = reinterpret_cast<int *>(16);

NOINLINE static void in_handler(int number) {
    hold();
    sink = number;
}
static void handler(int number, siginfo_t *, void *) {
    in_handler(number);
    sink = number;
}

static void handle(int number, int flags, void (*action)(int, siginfo_t *, void *) = handler) {
    struct sigaction what = {};
    what.sa_sigaction = action;
    what.sa_flags = SA_SIGINFO | flags;
    sigaction(number, &what, nullptr);
}

NOINLINE static void use_own_stack() {
    stack_t own = {};
    own.ss_size = 64 << 10;
    own.ss_sp = malloc(own.ss_size);
    sigaltstack(&own, nullptr);
}

NOINLINE static void raising() {
    raise(SIGUSR1);
    sink = 1;
}

NOINLINE static int faulting(volatile int *pointer) {
    int value = *pointer;
    return value + sink;
}

// The fault is the very first instruction: one byte earlier is another function. And after a call frame
// of which only the call frame information knows.
asm(R"(
    .text
    .type before_first, @function
before_first:
    .cfi_startproc
    nop
    ret
    .cfi_endproc
    .size before_first, . - before_first
    .globl first_instruction
    .type first_instruction, @function
first_instruction:
    .cfi_startproc
    ud2
    .cfi_endproc
    .size first_instruction, . - first_instruction
)");
extern "C" void first_instruction();

NOINLINE static void calls_first_instruction() {
    first_instruction();
    sink = 1;
}

// A prologue half done: the stack pointer has moved, the frame pointer has not.
asm(R"(
    .text
    .globl half_prologue
    .type half_prologue, @function
half_prologue:
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    sub $40, %rsp
    .cfi_adjust_cfa_offset 40
    ud2
    .cfi_endproc
    .size half_prologue, . - half_prologue
)");
extern "C" void half_prologue();

NOINLINE static void calls_half_prologue() {
    half_prologue();
    sink = 1;
}

static void (*volatile not_there)(int);
NOINLINE static void calls_null() {
    not_there(1);
    sink = 1;
}

// A handler interrupted by another signal.
static void second(int number, siginfo_t *, void *) {
    raise(SIGUSR1);
    sink = number;
}
NOINLINE static void twice() {
    raise(SIGUSR2);
    sink = 1;
}

NOINLINE static void aborting() { abort(); }

void signal_scenes() {
    handle(SIGUSR1, SA_ONSTACK);
    handle(SIGUSR2, 0, second);
    handle(SIGSEGV, SA_ONSTACK);
    handle(SIGILL, SA_ONSTACK);
    scene("raising", [] {
        use_own_stack();
        raising();
    });
    scene("faulting", [] {
        use_own_stack();
        sink = faulting(nowhere);
    });
    scene("first", [] {
        use_own_stack();
        calls_first_instruction();
    });
    scene("half-prologue", [] { calls_half_prologue(); });
    scene("null-call", [] {
        use_own_stack();
        calls_null();
    });
    scene("twice", [] {
        use_own_stack();
        twice();
    });
    // It holds a lock in libc for good: nobody after it may abort.
    handle(SIGABRT, 0);
    scene("aborting", [] { aborting(); });
}
