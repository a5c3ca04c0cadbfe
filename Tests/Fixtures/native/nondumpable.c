// Has said PR_SET_DUMPABLE 0: the same user may not attach, root with CAP_SYS_PTRACE may.
#include "fixture.h"

#include <sys/prctl.h>

static volatile unsigned long heartbeat;

int main(void) {
    if (prctl(PR_SET_DUMPABLE, 0) != 0) return 1;
    ready();
    answer(&heartbeat);
}
