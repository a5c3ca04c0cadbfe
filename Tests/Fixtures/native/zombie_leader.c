// The main thread has exited, others run on. /proc/PID/{maps,exe,mem,root} then fail and attaching to
// the leader gives EPERM, while /proc/PID/task/<live thread>/… works.
#include "fixture.h"

#include <pthread.h>

static pthread_t leader;
static volatile unsigned long heartbeat;

FRAME void *survivor(void *unused) {
    pthread_setname_np(pthread_self(), "survivor");
    pthread_join(leader, NULL);
    usleep(20000);  // from "out of user space" to "zombie"
    ready();
    answer(&heartbeat);
    return unused;
}

FRAME void *sleeper(void *unused) {
    pthread_setname_np(pthread_self(), "sleeper");
    pause();
    return unused;
}

int main(void) {
    pthread_t thread;
    leader = pthread_self();
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0) return 1;
    if (pthread_create(&thread, NULL, survivor, NULL) != 0) return 1;
    pthread_exit(NULL);
}
