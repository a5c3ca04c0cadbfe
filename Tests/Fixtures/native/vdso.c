// A thread that spends its time in the vDSO, asking for the time.
#include "fixture.h"

#include <pthread.h>
#include <time.h>

static volatile unsigned long rounds;

FRAME void ask(void) {
    for (;; rounds++) {
        struct timespec now;
        for (int i = 0; i < 100; i++) clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

FRAME void *asker(void *unused) {
    ask();
    KEEP_FRAME();
    return unused;
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, asker, NULL) != 0) return 1;
    ready();
    for (char line[256]; fgets(line, sizeof line, stdin);) {
        printf("alive %lu\n", rounds);
        fflush(stdout);
    }
    return 0;
}
