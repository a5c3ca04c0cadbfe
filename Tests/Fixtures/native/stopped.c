// Stops itself (group-stop): it can be captured, and has to be still stopped afterwards.
// After SIGCONT it prints "continued" and goes on as the others do.
#include "fixture.h"

#include <signal.h>

static volatile unsigned long heartbeat;

FRAME void stop(void) {
    raise(SIGSTOP);
    KEEP_FRAME();
}

int main(void) {
    ready();
    stop();
    printf("continued\n");
    fflush(stdout);
    answer(&heartbeat);
}
