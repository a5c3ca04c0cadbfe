// musl_hello [wait|segv|abort]: a program of another C library (built with musl-gcc), with a thread.
// Without an argument it prints a line and ends with status 3, for "the shim changes nothing".
#include "fixture.h"

#include <pthread.h>
#include <string.h>

static volatile unsigned long heartbeat;

FRAME void *sleeper(void *unused) {
    pause();
    return unused;
}

FRAME void fault(volatile int *address) {
    *address = 42;
    KEEP_FRAME();
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0) return 1;
    printf("hello from musl\n");
    fflush(stdout);
    if (argc < 2) return 3;
    if (strcmp(argv[1], "segv") == 0) fault((volatile int *)8);
    if (strcmp(argv[1], "abort") == 0) abort();
    ready();
    answer(&heartbeat);
}
