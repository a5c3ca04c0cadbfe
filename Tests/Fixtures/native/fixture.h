// What all these programs share: how they say that they are ready, and that they still run.
#ifndef FIXTURE_H
#define FIXTURE_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Never inlined or merged, and with a frame of its own even when it ends in a call.
#define FRAME __attribute__((noinline, noclone))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

// Prints "ready PID". A program that a test forgot ends by itself two minutes later, or after
// FIXTURE_SECONDS.
static inline void ready(void) {
    const char *seconds = getenv("FIXTURE_SECONDS");
    alarm(seconds ? (unsigned)atoi(seconds) : 120);
    printf("ready %d\n", getpid());
    fflush(stdout);
}

// Answers each line on stdin with "alive N", where N grows while the program runs; ends with stdin.
static inline void answer(volatile unsigned long *heartbeat) {
    for (char line[256];;) {
        struct pollfd input = {.fd = 0, .events = POLLIN, .revents = 0};
        if (poll(&input, 1, 10) > 0) {
            if (!fgets(line, sizeof line, stdin)) exit(0);
            printf("alive %lu\n", *heartbeat);
            fflush(stdout);
        }
        ++*heartbeat;
    }
}

#endif
