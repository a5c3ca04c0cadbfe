// watch.so, preloaded into a program whose file WATCH_FILE names: two threads in it that measure for how
// long they stood still. They look at the clock every 100 µs and keep the largest step, where they may
// with real-time priority, so that a step is a stop and not a wait for a processor. One is started before
// the program's own threads and one after them: whoever stops thread after thread keeps an early one or a
// late one waiting longest.
//
// WATCH_FILE is shared memory, see struct watch. The observer puts a number other than the last into
// `wanted` and waits until both threads show it in `seen`: from then on `longest` is what it asks for. With
// 0 in `wanted` they sleep, and look only every 5 ms.
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

struct watch {
    uint64_t wanted;
    struct watcher {
        uint64_t seen;
        uint64_t longest;      // nanoseconds
        uint64_t end;          // of the longest, by the same clock
        uint64_t has_priority; // 1 with real-time priority
    } watchers[2];
};

static struct watch *watch;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void *look(void *argument);

static void start(struct watcher *watcher) {
    // What the program does with its signals is its own affair.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, NULL, look, watcher) != 0) abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void *look(void *argument) {
    struct watcher *watcher = argument;
    int is_first = watcher == watch->watchers;
    pthread_setname_np(pthread_self(), is_first ? "watch-early" : "watch-late");
    struct sched_param priority = {.sched_priority = 1};
    watcher->has_priority = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
    for (uint64_t last = 0;;) {
        uint64_t wanted = __atomic_load_n(&watch->wanted, __ATOMIC_ACQUIRE);
        nanosleep(&(struct timespec){.tv_nsec = wanted ? 100000 : 5000000}, NULL);
        uint64_t time = now();
        if (wanted != watcher->seen) {
            static int has_second;
            if (is_first && !has_second) {
                has_second = 1;
                start(&watch->watchers[1]);
            }
            watcher->longest = watcher->end = 0;
            __atomic_store_n(&watcher->seen, wanted, __ATOMIC_RELEASE);
        } else if (wanted && time - last > watcher->longest) {
            watcher->longest = time - last;
            watcher->end = time;
        }
        last = time;
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WATCH_FILE");
    int file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0) return;
    if (ftruncate(file, sizeof *watch) != 0) abort();
    void *memory = mmap(NULL, sizeof *watch, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) abort();
    watch = memory;
    start(watch->watchers);
}
