// libcrash.so: the native half of Crash.cs. Each function dies (or waits) in one particular way,
// two calls deep, so that a report has native frames between the managed caller and the fault.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default"), noinline))
#define INNER __attribute__((noinline, noclone)) static

// Keeps a call from becoming a jump, so that the caller keeps its frame.
#define STAY() __asm__ volatile("" ::: "memory")

typedef void (*callback)(void);

INNER void write_to(volatile int *address) { *address = 42; STAY(); }

// SIGSEGV, SEGV_MAPERR at 0x8.
EXPORT void crash_segv(void) { write_to((volatile int *)8); STAY(); }

// SIGSEGV, SEGV_ACCERR: the page exists, but is read-only.
EXPORT void crash_segv_read_only(void) {
    write_to(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    STAY();
}

// SIGSEGV, SI_KERNEL with address 0: a non-canonical address, not a NULL dereference.
EXPORT void crash_segv_non_canonical(void) { write_to((volatile int *)0xdead00000000beefULL); STAY(); }

// SIGSEGV by an instruction fetch at 0.
EXPORT void crash_call_null(void) {
    callback nothing = NULL;
    __asm__ volatile("" : "+r"(nothing));
    nothing();
    STAY();
}

INNER int divide(volatile int a, volatile int b) { return a / b; }
EXPORT int crash_fpe(void) { int r = divide(1, 0); STAY(); return r; }

EXPORT void crash_ill(void) { __builtin_trap(); }

EXPORT void crash_trap(void) { __asm__ volatile("int3"); STAY(); }

// SIGBUS, BUS_ADRERR: a mapping beyond the end of its file.
EXPORT void crash_bus(void) {
    char name[] = "/tmp/inquest-bus-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    write_to(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    STAY();
}

INNER void give_up(void) { abort(); }
EXPORT void crash_abort(void) { give_up(); STAY(); }

// Sent, not faulted: execution goes on behind it if the handler returns.
EXPORT void crash_raise(int number) { raise(number); STAY(); }

INNER int descend(volatile int depth) {
    volatile char room[512];
    room[0] = (char)depth;
    return descend(depth + 1) + room[0];
}
EXPORT int crash_overflow(void) { return descend(0) + 1; }

// Calls back into managed code, from one frame below the exported one.
INNER void call(callback back) { back(); STAY(); }
EXPORT void crash_call_back(callback back) { call(back); STAY(); }

EXPORT void crash_sleep(int milliseconds) {
    struct timespec left = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0) {}
}

// Writes the calling thread's id to $CRASH_THREAD_FILE, so that a test knows who is about to crash.
EXPORT void crash_note_thread(void) {
    const char *path = getenv("CRASH_THREAD_FILE");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%d\n", gettid());
    fclose(file);
}
