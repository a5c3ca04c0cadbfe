// Lets a program's own signal handler start the collector, as the .NET runtime's starts createdump.
#ifndef CATCHING_H
#define CATCHING_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *catching_collector;

static void catching_handler(int number, siginfo_t *info, void *context) {
    (void)context;
    static char words[6][24];
    int pid = getpid();
    snprintf(words[0], sizeof words[0], "%d", pid);
    snprintf(words[1], sizeof words[1], "%d", number);
    snprintf(words[2], sizeof words[2], "%d", info->si_code);
    snprintf(words[3], sizeof words[3], "%ld", (long)info->si_addr);
    snprintf(words[4], sizeof words[4], "%d", (int)syscall(SYS_gettid));
    const char *arguments[] = {"inquest-collector", "crash", "--pid", words[0], "--", "createdump",
                               "--signal", words[1], "--code", words[2], "--errno", "0", "--address",
                               words[3], "--crashthread", words[4], words[0], NULL};
    // Not fork: the heap may be what is broken.
    int child = vfork();
    if (child == 0) {
        execv(catching_collector, (char **)arguments);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    signal(number, SIG_DFL);
    // What was sent is not executed again; a filtered system call neither.
    if (info->si_code <= 0 || number == SIGSYS || number == SIGTRAP) raise(number);
}

// For every signal that a crash can be; on a stack of its own, of the calling thread. Does nothing without
// CATCHING_COLLECTOR, so that the same program can die alone.
static void catching_begin(void) {
    catching_collector = getenv("CATCHING_COLLECTOR");
    if (catching_collector == NULL) return;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    size_t size = 65536;
    stack_t stack = {};
    stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack.ss_size = size;
    sigaltstack(&stack, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = catching_handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

#endif
