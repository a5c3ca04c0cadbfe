// main → outer → middle → inner without unwind information, frame pointers or debug information: only the
// return addresses are left, and those that an earlier call has left in a buffer.
#include "fixture.h"

static volatile unsigned long heartbeat;

FRAME int inner(int value) {
    char buffer[100];
    snprintf(buffer, sizeof buffer, "%d", value);
    ready();
    answer(&heartbeat);
    return buffer[0];
}

FRAME int middle(int value) {
    volatile int filler[20];
    filler[value] = value;
    int result = inner(value + 1);
    return result + filler[3];
}

FRAME int outer(int value) {
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%d", value);
    int result = middle(value + 1);
    KEEP_FRAME();
    return result + buffer[1];
}

int main(void) {
    return outer(0);
}
