// main → outer → middle → inner, where middle has no unwind information but a frame pointer, as
// hand-written assembly and JIT stubs do. build.sh compiles this file twice and links the halves:
// with -DMIDDLE and without unwind tables, then the rest as usual (and without frame pointers).
#include "fixture.h"

int middle(int value);
int inner(int value);

#ifdef MIDDLE

FRAME int middle(int value) {
    int result = inner(value + 1);
    KEEP_FRAME();
    return result + 1;
}

#else

static volatile unsigned long heartbeat;

FRAME int inner(int value) {
    ready();
    answer(&heartbeat);
    return value;
}

FRAME int outer(int value) {
    int result = middle(value + 1);
    KEEP_FRAME();
    return result + 1;
}

int main(void) {
    return outer(0);
}

#endif
