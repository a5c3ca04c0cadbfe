// fibre DEPTH: a thread that runs on a stack made by makecontext, DEPTH frames of 8 KB deep, now through one
// function and now through another.
#define _GNU_SOURCE
#include "fixture.h"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile unsigned long heartbeat;
static ucontext_t back, fibre;
static int depth;

FRAME void leaf(void) {
    for (volatile int spin = 0; spin < 20000; spin++) {
    }
}

#define FUNCTION(name)                  \
    FRAME void name(int left) {         \
        volatile char large[8192];      \
        large[0] = 1;                   \
        if (left > 0)                   \
            name(left - 1);             \
        else                            \
            leaf();                     \
        KEEP_FRAME();                   \
        large[1] = 1;                   \
    }
FUNCTION(even)
FUNCTION(odd)

static void run(void) {
    for (;;) {
        even(depth);
        odd(depth);
    }
}

static void *begin(void *memory) {
    getcontext(&fibre);
    fibre.uc_stack.ss_sp = memory;
    fibre.uc_stack.ss_size = 4 << 20;
    fibre.uc_link = &back;
    makecontext(&fibre, run, 0);
    swapcontext(&back, &fibre);
    return NULL;
}

int main(int argc, char **argv) {
    depth = argc > 1 ? atoi(argv[1]) : 10;
    if (depth > 400) return 2;
    void *memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;
    if (memory == MAP_FAILED || pthread_create(&thread, NULL, begin, memory) != 0) return 1;
    usleep(20000);
    ready();
    answer(&heartbeat);
}
