// deep [DEPTH]: recursion DEPTH (100,000) frames deep, then waits. For frame caps, folding and speed.
#include "fixture.h"

static volatile unsigned long heartbeat;

FRAME int bottom(void) {
    ready();
    answer(&heartbeat);
    return 0;
}

FRAME int recurse(int left) {
    int result = left > 1 ? recurse(left - 1) : bottom();
    KEEP_FRAME();
    return result + 1;
}

int main(int argc, char **argv) {
    return recurse(argc > 1 ? atoi(argv[1]) : 100000) == 0;
}
