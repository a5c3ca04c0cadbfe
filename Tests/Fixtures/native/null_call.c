// Calls through NULL and waits in the handler. There is no code at 0 to unwind from: the caller is the
// return address on top of the stack.
#include "fixture.h"

#include <signal.h>

static volatile unsigned long heartbeat;
static void (*volatile not_there)(void);

FRAME void handler(int number) {
    ready();
    answer(&heartbeat);
    (void)number;
}

FRAME void caller_of_null(void) {
    not_there();
    KEEP_FRAME();
}

int main(void) {
    signal(SIGSEGV, handler);
    caller_of_null();
    return 0;
}
