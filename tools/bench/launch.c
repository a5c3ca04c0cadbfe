// launch FILE COMMAND…: runs the command and writes to FILE: nanoseconds from fork to end, the largest
// resident size in kB of it or of any process that it waited for, and its wait status.
//
// Small and static, because the kernel counts for a program what its starter occupied before execve(2);
// and in C, because starting a process from Python takes as long as some of what is measured.
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    long long begin = now();
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        // Who measures may give up.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) return 1;
    long long end = now();
    FILE *file = fopen(argv[1], "w");
    if (!file) return 1;
    fprintf(file, "%lld %ld %d\n", end - begin, usage.ru_maxrss, status);
    return fclose(file) != 0;
}
