// Dies in one of many ways: ways_to_die [--thread] WAY. `ways_to_die --list` names them all. Each way is a function of the
// same name, so that a report can be checked for where it happened; what a check needs to know of addresses is
// printed as "NAME 0x…" lines.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define WAY FRAME static void

static char *volatile null_pointer;
static volatile long sink;
static const char constant[4096] = "may be read, never written";

static void tell(const char *name, const volatile void *address) {
    printf("%s %p\n", name, address);
    fflush(stdout);
}

static char *pages(size_t size, int protection) {
    char *start = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) exit(98);
    return start;
}

// Where nothing is: between two pages that are there.
static char *hole(void) {
    char *start = pages(64 * 4096, PROT_READ | PROT_WRITE);
    munmap(start + 4096, 62 * 4096);
    return start + 32 * 4096;
}

// MARK: Pointers

struct record {
    char name[24];
    long count;
};

WAY null_read(void) { sink = *null_pointer; }
WAY null_write(void) { *null_pointer = 1; }
WAY null_field(void) { sink = ((volatile struct record *)null_pointer)->count; }
WAY null_element(void) { sink = ((volatile long *)null_pointer)[sink + 5]; }
WAY wild_read(void) { sink = *(volatile char *)hole(); }
WAY wild_write(void) { *(volatile char *)hole() = 1; }
WAY past_end(void) {
    char *start = pages(3 * 4096, PROT_READ | PROT_WRITE);
    munmap(start + 4096, 2 * 4096);
    sink = start[4096 + 8];
}
WAY write_constant(void) { *(volatile char *)(uintptr_t)constant = 1; }
WAY write_code(void) { *(volatile char *)(uintptr_t)&null_read = 1; }
WAY inaccessible(void) { sink = *(volatile char *)pages(4096, PROT_NONE); }
WAY non_canonical(void) { sink = *(volatile char *)0x6f77206f6c6c6568; }
// Within the address space, but 64 MB below the stack: no overflow.
WAY below_stack(void) {
    char here = 0;
    sink = here;
    sink = *(volatile char *)(&here - (64 << 20));
}
#if defined __x86_64__
WAY misaligned(void) {
    static char area[64] __attribute__((aligned(16)));
    __asm__ volatile("movaps %%xmm0, (%0)" : : "r"(area + 1) : "memory");
}
WAY privileged(void) { __asm__ volatile("hlt"); }
#endif

// MARK: Jumps

typedef void function(void);

WAY call_null(void) {
    ((function *volatile)(void *)null_pointer)();
    KEEP_FRAME();
}
WAY call_null_slot(void) {
    function *volatile *table = (function *volatile *)null_pointer;
    table[3]();
    KEEP_FRAME();
}
WAY jump_void(void) {
    ((function *volatile)(void *)hole())();
    KEEP_FRAME();
}
WAY jump_data(void) {
    ((function *volatile)(void *)pages(4096, PROT_READ | PROT_WRITE))();
    KEEP_FRAME();
}

// MARK: Stacks

FRAME static long recurse(long depth) {
    volatile char room[200];
    room[depth % 200] = (char)depth;
    long rest = recurse(depth + 1);
    return rest + room[depth % 200];
}
WAY overflow(void) { sink = recurse(0); }

FRAME static long pong(long depth);
FRAME static long ping(long depth) {
    volatile long here = depth;
    return pong(depth + 1) + here;
}
FRAME static long pong(long depth) {
    volatile long here = depth;
    return ping(depth + 1) + here;
}
WAY overflow_mutual(void) { sink = ping(0); }

// A frame of 16 MB: the first touch is far below any guard page.
WAY large_frame(void) {
    volatile char room[16 << 20];
    room[0] = 1;
    sink = room[0];
}

// Steps over the guard page of a thread with its first touch.
FRAME static long leap(long depth) {
    volatile char room[40 << 10];
    room[0] = (char)depth;
    long rest = leap(depth + 1);
    return rest + room[0];
}
WAY guard_jumped(void) { sink = leap(0); }

#define CALL_ON(stack_top, function)                                   \
    __asm__ volatile(                                                  \
        "mov %%rsp, %%rbx\n\tmov %0, %%rsp\n\tcall *%1\n\tmov %%rbx, %%rsp" \
        :                                                              \
        : "r"(stack_top), "r"(function)                                \
        : "rbx", "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")

#if defined __x86_64__
enum { STACK = 64 << 10 };

static char *small_stack(void) {
    char *start = pages(STACK + 2 * 4096, PROT_NONE);
    if (mprotect(start + 4096, STACK, PROT_READ | PROT_WRITE)) exit(98);
    tell("stack", start + 4096);
    tell("end", start + 4096 + STACK);
    return start + 4096;
}

WAY overflow_custom(void) { CALL_ON(small_stack() + STACK, overflow); }

// A guard that the memory map does not show (Linux 6.13).
WAY invisible_guard(void) {
    enum { MADV_GUARD_INSTALL_ = 102 };
    char *start = pages(STACK + 16 * 4096, PROT_READ | PROT_WRITE);
    if (madvise(start, 8 * 4096, MADV_GUARD_INSTALL_)) exit(77);
    tell("guard", start);
    CALL_ON(start + 8 * 4096 + STACK, overflow);
}

static char *freed;
FRAME static void free_under_oneself(void) {
    munmap(freed, STACK);
    KEEP_FRAME();
}
WAY stack_freed(void) {
    freed = small_stack();
    CALL_ON(freed + STACK, free_under_oneself);
}

// Takes more from a stack than was put on it.
WAY stack_underflow(void) {
    char *top = small_stack() + STACK;
    munmap(top, 4096);
    __asm__ volatile("mov %0, %%rsp\n\tpop %%rax\n\tpop %%rax" : : "r"(top - 8) : "memory", "rax");
}
#endif

// MARK: Files

static int file_of(size_t size) {
    char name[] = "/tmp/inquest-dies-XXXXXX";
    int file = mkstemp(name);
    if (file < 0 || ftruncate(file, (off_t)size)) exit(98);
    printf("file %s\n", name);
    fflush(stdout);
    return file;
}
WAY file_truncated(void) {
    int file = file_of(4 * 4096);
    char *start = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (ftruncate(file, 100)) exit(98);
    sink = *(volatile char *)(start + 2 * 4096);
}

// MARK: Instructions

static volatile int zero, minimum = INT32_MIN, minus_one = -1;
WAY divide(void) { sink = 10 / zero; }
WAY divide_overflow(void) { sink = minimum / minus_one; }
WAY trap(void) { __builtin_trap(); }
#if defined __x86_64__
WAY illegal(void) { __asm__ volatile(".byte 0x06"); }
WAY breakpoint(void) { __asm__ volatile("int3"); }
#endif

// MARK: abort

WAY plain_abort(void) { abort(); }
WAY failed_assertion(void) { assert(zero == 1 && "the sky is up"); }
WAY double_free(void) {
    // Large enough for no cache.
    char *volatile memory = malloc(100000), *volatile wall = malloc(100);
    free(memory);
    sink = *wall;
    free(memory);
}
FRAME __attribute__((optimize("stack-protector-all"))) static void smash(volatile char *at, size_t size) {
    char room[16];
    memset(room, 'x', size);
    *at = room[3];
}
WAY stack_smashed(void) {
    char target;
    smash(&target, 64);
}

// MARK: Signals

WAY raised(void) { raise(SIGSEGV); }
WAY sent_to_oneself(void) { kill(getpid(), SIGBUS); }
WAY sent_by_child(void) {
    if (fork() == 0) {
        kill(getppid(), SIGSEGV);
        // Long enough to be asked after.
        sleep(5);
        _exit(0);
    }
    sleep(10);
}
WAY refused_call(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) exit(98);
    sink = getpriority(PRIO_PROCESS, 0);
}

static void alternate_stack(void) {
    stack_t stack = {.ss_sp = pages(64 << 10, PROT_READ | PROT_WRITE), .ss_size = 64 << 10};
    if (sigaltstack(&stack, NULL)) exit(98);
}
static void on_signal(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (sigaction(number, &action, NULL)) exit(98);
}

// A handler of the program's own that ends it: what counts is the fault.
FRAME static void give_up(int number) {
    (void)number;
    abort();
}
WAY handler_aborts(void) {
    alternate_stack();
    on_signal(SIGSEGV, give_up, SA_ONSTACK);
    null_field();
}
FRAME static void send_again(int number) {
    signal(number, SIG_DFL);
    raise(number);
}
WAY handler_raises(void) {
    on_signal(SIGBUS, send_again, 0);
    file_truncated();
}
// A fault in a handler, on the alternate stack.
FRAME static void stumble(int number) {
    (void)number;
    null_field();
}
WAY fault_in_handler(void) {
    alternate_stack();
    on_signal(SIGUSR1, stumble, SA_ONSTACK);
    raise(SIGUSR1);
}

#if defined __x86_64__
// Three stacks deep: a handler goes on to a stack of its own, where another signal comes, whose handler faults on the
// alternate stack. A frame pointer, because no unwind information knows of the change of stacks.
FRAME static void second_handler(int number) {
    (void)number;
    null_field();
}
// Not by raise: musl has no unwind information, and its raise uses the frame pointer for something else.
FRAME static void raise_second(void) {
    long result = SYS_tgkill;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"((long)getpid()), "S"(syscall(SYS_gettid)), "d"((long)SIGUSR2)
                     : "rcx", "r11", "memory");
    sink = result;
}
FRAME __attribute__((optimize("no-omit-frame-pointer"))) static void first_handler(int number) {
    (void)number;
    CALL_ON(small_stack() + STACK, raise_second);
}
static void handle_nested(int first, int second) {
    alternate_stack();
    on_signal(SIGUSR1, first_handler, first);
    on_signal(SIGUSR2, second_handler, second);
    raise(SIGUSR1);
}
WAY nested_handlers(void) { handle_nested(0, SA_ONSTACK); }
// The other way round: the fault's signal starts at the top of the alternate stack, where the first handler is, and
// destroys what led there.
WAY overwritten_handler(void) { handle_nested(SA_ONSTACK, 0); }
#endif

WAY no_descriptors(void) {
    struct rlimit limit = {32, 32};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (open("/dev/null", O_RDONLY) >= 0) continue;
    abort();
}

// MARK: Choosing

static const struct way {
    const char *name;
    function *run;
} ways[] = {
#define ROW(name) {#name, name}
    ROW(null_read), ROW(null_write), ROW(null_field), ROW(null_element), ROW(wild_read), ROW(wild_write),
    ROW(past_end), ROW(write_constant), ROW(write_code), ROW(inaccessible), ROW(non_canonical),
    ROW(below_stack), ROW(call_null), ROW(call_null_slot), ROW(jump_void), ROW(jump_data), ROW(overflow),
    ROW(overflow_mutual), ROW(large_frame), ROW(guard_jumped), ROW(file_truncated), ROW(divide),
    ROW(divide_overflow), ROW(trap), ROW(plain_abort), ROW(failed_assertion), ROW(double_free),
    ROW(stack_smashed), ROW(raised), ROW(sent_to_oneself), ROW(sent_by_child), ROW(refused_call),
    ROW(handler_aborts), ROW(handler_raises), ROW(fault_in_handler), ROW(no_descriptors),
#if defined __x86_64__
    ROW(misaligned), ROW(privileged), ROW(overflow_custom), ROW(invisible_guard), ROW(stack_freed),
    ROW(stack_underflow), ROW(nested_handlers), ROW(overwritten_handler), ROW(illegal), ROW(breakpoint),
#endif
};

static void *run(void *way) {
    ((const struct way *)way)->run();
    return NULL;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[argc - 1] : "";
    alarm(60);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!strcmp(name, "--list")) puts(ways[i].name);
        if (strcmp(name, ways[i].name)) continue;
        if (argc < 3) return run((void *)&ways[i]), 1;
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *)&ways[i])) return 98;
        pthread_join(thread, NULL);
        return 1;
    }
    return strcmp(name, "--list") ? 64 : 0;
}
