// threads [N [D]]: N threads (8), each D (10, at most 64) distinct functions deep, blocked in turn in
// futex, nanosleep, poll and read. For complete and correct stacks of many threads, and for seeing
// that the target runs on: a line on stdin is answered "alive COUNT", and "interrupted K" tells how
// many of the system calls came back although nothing had happened.
#include "fixture.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static int silent_pipe[2];
static int never_woken;
static volatile unsigned long heartbeat;
static volatile int interrupted;
static pthread_barrier_t all_started;

FRAME void block_futex(void) { syscall(SYS_futex, &never_woken, FUTEX_WAIT_PRIVATE, 0, NULL); KEEP_FRAME(); }
FRAME void block_nanosleep(void) { nanosleep(&(struct timespec){.tv_sec = 600}, NULL); KEEP_FRAME(); }
FRAME void block_poll(void) { poll(&(struct pollfd){.fd = silent_pipe[0], .events = POLLIN}, 1, -1); KEEP_FRAME(); }
FRAME void block_read(void) { char byte; if (read(silent_pipe[0], &byte, 1) < 0) KEEP_FRAME(); }

static void (*const block[])(void) = {block_futex, block_nanosleep, block_poll, block_read};
static const char *const block_name[] = {"futex", "nanosleep", "poll", "read"};

FRAME void level_end(int kind) {
    pthread_barrier_wait(&all_started);
    for (;;) {
        block[kind]();
        __atomic_add_fetch(&interrupted, 1, __ATOMIC_RELAXED);
    }
}

// level_1 calls level_2 …, until `left` is used up.
#define LEVEL(n, next) \
    FRAME void level_##n(int left, int kind) { if (left > 1) level_##next(left - 1, kind); else level_end(kind); KEEP_FRAME(); }
FRAME void level_65(int left, int kind) { (void)left; level_end(kind); KEEP_FRAME(); }
LEVEL(64, 65) LEVEL(63, 64) LEVEL(62, 63) LEVEL(61, 62) LEVEL(60, 61) LEVEL(59, 60) LEVEL(58, 59) LEVEL(57, 58)
LEVEL(56, 57) LEVEL(55, 56) LEVEL(54, 55) LEVEL(53, 54) LEVEL(52, 53) LEVEL(51, 52) LEVEL(50, 51) LEVEL(49, 50)
LEVEL(48, 49) LEVEL(47, 48) LEVEL(46, 47) LEVEL(45, 46) LEVEL(44, 45) LEVEL(43, 44) LEVEL(42, 43) LEVEL(41, 42)
LEVEL(40, 41) LEVEL(39, 40) LEVEL(38, 39) LEVEL(37, 38) LEVEL(36, 37) LEVEL(35, 36) LEVEL(34, 35) LEVEL(33, 34)
LEVEL(32, 33) LEVEL(31, 32) LEVEL(30, 31) LEVEL(29, 30) LEVEL(28, 29) LEVEL(27, 28) LEVEL(26, 27) LEVEL(25, 26)
LEVEL(24, 25) LEVEL(23, 24) LEVEL(22, 23) LEVEL(21, 22) LEVEL(20, 21) LEVEL(19, 20) LEVEL(18, 19) LEVEL(17, 18)
LEVEL(16, 17) LEVEL(15, 16) LEVEL(14, 15) LEVEL(13, 14) LEVEL(12, 13) LEVEL(11, 12) LEVEL(10, 11) LEVEL(9, 10)
LEVEL(8, 9) LEVEL(7, 8) LEVEL(6, 7) LEVEL(5, 6) LEVEL(4, 5) LEVEL(3, 4) LEVEL(2, 3) LEVEL(1, 2)

static int depth = 10;

FRAME void *thread_main(void *argument) {
    int kind = (int)(long)argument % 4;
    char name[32];
    snprintf(name, sizeof name, "%s-%d", block_name[kind], (int)(long)argument);
    name[15] = 0;
    pthread_setname_np(pthread_self(), name);
    level_1(depth, kind);
    return NULL;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 8;
    if (argc > 2) depth = atoi(argv[2]);
    if (count < 1 || depth < 1 || depth > 64 || pipe(silent_pipe) != 0) return 64;

    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    pthread_barrier_init(&all_started, NULL, (unsigned)count + 1);
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, thread_main, (void *)i) != 0) return 1;
    }
    pthread_barrier_wait(&all_started);
    usleep(50000);  // from "about to block" to "blocked"
    ready();

    for (char line[256];; heartbeat++) {
        struct pollfd input = {.fd = 0, .events = POLLIN};
        if (poll(&input, 1, 10) <= 0) continue;
        if (!fgets(line, sizeof line, stdin)) return 0;
        printf("alive %lu interrupted %d\n", heartbeat, interrupted);
        fflush(stdout);
    }
}
