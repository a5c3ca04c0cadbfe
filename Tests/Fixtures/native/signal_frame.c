// signal_frame [segv|usr1]: waits inside a signal handler that runs on an alternate stack. With segv
// the signal is a true fault in fault(), writing to 0x18; with usr1 it is sent by raise() in send().
// The walk has to cross from the alternate stack to the main one, and pc-1 must not be used at the fault.
#include "fixture.h"

#include <signal.h>
#include <string.h>

static volatile unsigned long heartbeat;

FRAME void wait_in_handler(void) {
    ready();
    answer(&heartbeat);
    KEEP_FRAME();
}

FRAME void handler(int number, siginfo_t *info, void *context) {
    wait_in_handler();
    KEEP_FRAME();
    (void)number, (void)info, (void)context;
}

FRAME void fault(volatile int *address) {
    address[2] = 42;
    KEEP_FRAME();
}

FRAME void send(void) {
    raise(SIGUSR1);
    KEEP_FRAME();
}

int main(int argc, char **argv) {
    static char alternate[64 * 1024];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaltstack(&stack, NULL) || sigaction(SIGSEGV, &action, NULL) || sigaction(SIGUSR1, &action, NULL)) return 1;
    if (argc > 1 && strcmp(argv[1], "usr1") == 0)
        send();
    else
        fault((volatile int *)0x10);
    return 0;
}
