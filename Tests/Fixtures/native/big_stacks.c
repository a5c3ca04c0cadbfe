// big_stacks [N [M]]: N threads (24), each with M megabytes (7) of its stack in use, asleep. For a freeze
// that takes long, because there is much to copy.
#include "fixture.h"

#include <pthread.h>
#include <string.h>

static pthread_barrier_t all_started;
static size_t used = 7 << 20;
static volatile unsigned long heartbeat;

FRAME void *sleeper(void *unused) {
    char *block = __builtin_alloca(used);
    memset(block, 1, used);
    __asm__ volatile("" : : "r"(block) : "memory");
    pthread_barrier_wait(&all_started);
    for (;;) pause();
    return unused;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 24;
    if (argc > 2) used = (size_t)atoi(argv[2]) << 20;
    pthread_attr_t large;
    pthread_attr_init(&large);
    pthread_attr_setstacksize(&large, used + (1 << 20));
    pthread_barrier_init(&all_started, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &large, sleeper, NULL) != 0) return 1;
    }
    pthread_barrier_wait(&all_started);
    ready();
    answer(&heartbeat);
}
