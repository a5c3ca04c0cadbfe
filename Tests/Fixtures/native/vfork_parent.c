// The main thread hangs in vfork while the child sleeps: it can be seized, but never stops.
// A second thread answers "alive N".
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

static volatile unsigned long heartbeat;

FRAME void *survivor(void *unused) {
    pthread_setname_np(pthread_self(), "survivor");
    usleep(100000);  // the main thread is in vfork by then
    ready();
    answer(&heartbeat);
    return unused;
}

FRAME void stuck_in_vfork(void) {
    if (vfork() == 0) {
        // The child shares our memory: it must not do more than sleep, and not outlive a killed parent.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sleep(120);
        _exit(0);
    }
    KEEP_FRAME();
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, survivor, NULL) != 0) return 1;
    stuck_in_vfork();
    pthread_join(thread, NULL);
}
