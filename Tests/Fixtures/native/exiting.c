// Threads start and exit all the time: each may be gone at any step of a capture, and new ones appear.
// "alive N" counts threads that have ended.
#include "fixture.h"

#include <pthread.h>

static volatile unsigned long ended;

FRAME void *brief(void *unused) {
    usleep((useconds_t)(ended % 7) * 300);
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
    return unused;
}

FRAME void *producer(void *unused) {
    pthread_setname_np(pthread_self(), "producer");
    for (;;) {
        pthread_t batch[16];
        for (int i = 0; i < 16; i++)
            if (pthread_create(&batch[i], NULL, brief, NULL) != 0) abort();
        for (int i = 0; i < 16; i++) pthread_join(batch[i], NULL);
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, producer, NULL) != 0) return 1;
    ready();
    for (char line[256]; fgets(line, sizeof line, stdin);) {
        printf("alive %lu\n", ended);
        fflush(stdout);
    }
    return 0;
}
