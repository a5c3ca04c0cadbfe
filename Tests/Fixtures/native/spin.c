// One thread that computes without a system call, so that it has to be stopped to be walked.
// "alive N" counts its rounds.
#include "fixture.h"

#include <pthread.h>

static volatile unsigned long rounds;

FRAME unsigned long mix(unsigned long value) { return value * 6364136223846793005UL + 1442695040888963407UL; }

FRAME void spin(void) {
    for (volatile unsigned long value = 1;; value = mix(value)) rounds++;
}

FRAME void *spinner(void *unused) {
    pthread_setname_np(pthread_self(), "spinner");
    spin();
    return unused;
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spinner, NULL) != 0) return 1;
    ready();
    for (char line[256]; fgets(line, sizeof line, stdin);) {
        printf("alive %lu\n", rounds);
        fflush(stdout);
    }
    return 0;
}
