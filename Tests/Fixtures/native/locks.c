// Threads that wait, and who makes them wait. For each: "waits TID KIND ADDRESS OWNER", OWNER 0 where nothing in the
// process says who it is; or "idle TID WHAT" of one that waits for no lock. Then two threads that wait for each other.
#include "fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

#define FUTEX_WAIT_PRIVATE 128  // linux/futex.h, which musl-gcc does not find

static int tid(void) { return (int)syscall(SYS_gettid); }

#ifdef __GLIBC__
#define NORMAL_OWNER 1
#else
// musl's normal mutexes only know that they are locked (pthread_impl.h); so do its read-write locks.
#define NORMAL_OWNER 0
#endif

static void waits(const char *kind, const void *lock, int owner) {
    printf("waits %d %s %p %d\n", tid(), kind, lock, owner);
}

static int holder;  // sleeps, holding all that is locked here
static volatile unsigned long heartbeat;
static pthread_barrier_t step;

static pthread_t start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0) exit(1);
    return thread;
}

enum { NORMAL, RECURSIVE, CHECKED, ROBUST, INHERITING, TIMED, KINDS };
static pthread_mutex_t mutexes[KINDS];

static void *wait_mutex(void *argument) {
    int kind = (int)(long)argument;
    waits("mutex", &mutexes[kind], kind == NORMAL || kind == TIMED ? holder * NORMAL_OWNER : holder);
    if (kind == TIMED) {
        struct timespec end = {.tv_sec = time(NULL) + 1000};
        pthread_mutex_timedlock(&mutexes[kind], &end);
    } else {
        pthread_mutex_lock(&mutexes[kind]);
    }
    return NULL;
}

static void make_mutexes(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        pthread_mutexattr_t kinds;
        pthread_mutexattr_init(&kinds);
        if (kind == RECURSIVE) pthread_mutexattr_settype(&kinds, PTHREAD_MUTEX_RECURSIVE);
        if (kind == CHECKED) pthread_mutexattr_settype(&kinds, PTHREAD_MUTEX_ERRORCHECK);
        if (kind == ROBUST) pthread_mutexattr_setrobust(&kinds, PTHREAD_MUTEX_ROBUST);
        if (kind == INHERITING) pthread_mutexattr_setprotocol(&kinds, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&mutexes[kind], &kinds);
    }
}

static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER, read_by_many = PTHREAD_RWLOCK_INITIALIZER;

static void *wait_read(void *argument) {
    waits("rwlock", &written, holder * NORMAL_OWNER);
    pthread_rwlock_rdlock(&written);
    return argument;
}
static void *wait_write(void *argument) {
    waits("rwlock", &written, holder * NORMAL_OWNER);
    pthread_rwlock_wrlock(&written);
    return argument;
}
static void *wait_for_readers(void *argument) {
    waits("rwlock", &read_by_many, 0);
    pthread_rwlock_wrlock(&read_by_many);
    return argument;
}

static void *hold(void *argument) {
    holder = tid();
    for (int kind = 0; kind < KINDS; kind++) pthread_mutex_lock(&mutexes[kind]);
    pthread_rwlock_wrlock(&written);
    pthread_rwlock_rdlock(&read_by_many);
    printf("idle %d sleeper\n", tid());
    pthread_barrier_wait(&step);
    for (;;) sleep(600);
    return argument;
}

static pthread_mutex_t condition_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int word;

static void *wait_condition(void *argument) {
    printf("idle %d condition\n", tid());
    pthread_mutex_lock(&condition_mutex);
    for (;;) pthread_cond_wait(&condition, &condition_mutex);
    return argument;
}
static void *wait_semaphore(void *argument) {
    printf("idle %d semaphore\n", tid());
    while (sem_wait(&semaphore) != 0) {}
    return argument;
}
static void *wait_word(void *argument) {
    printf("idle %d futex\n", tid());
    for (;;) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
    return argument;
}
static void *wait_thread(void *thread) {
    printf("idle %d join\n", tid());
    pthread_join((pthread_t)thread, NULL);
    return NULL;
}

static void *lock_twice(void *argument) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    waits("mutex", &mutex, tid() * NORMAL_OWNER);
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
    return argument;
}

// The deadlock: each has one and wants the other.
static pthread_mutex_t pair[2];
static int owners[2];
static pthread_barrier_t both;

static void *cross(void *argument) {
    int own = (int)(long)argument, other = 1 - own;
    owners[own] = tid();
    pthread_mutex_lock(&pair[own]);
    pthread_barrier_wait(&both);
    waits("mutex", &pair[other], owners[other]);
    pthread_mutex_lock(&pair[other]);
    return NULL;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 4096);
    make_mutexes();
    sem_init(&semaphore, 0, 0);
    pthread_barrier_init(&step, NULL, 2);
    pthread_barrier_init(&both, NULL, 2);
    pthread_t sleeper = start(hold, NULL);
    pthread_barrier_wait(&step);
    for (long kind = 0; kind < KINDS; kind++) start(wait_mutex, (void *)kind);
    start(wait_write, NULL);
    usleep(20000);
    start(wait_read, NULL);
    start(wait_write, NULL);
    start(wait_for_readers, NULL);
    start(wait_condition, NULL);
    start(wait_semaphore, NULL);
    start(wait_word, NULL);
    start(wait_thread, (void *)sleeper);
    start(lock_twice, NULL);
    pthread_mutexattr_t checked;
    pthread_mutexattr_init(&checked);
    pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    for (int i = 0; i < 2; i++) pthread_mutex_init(&pair[i], &checked);
    start(cross, (void *)0);
    start(cross, (void *)1);
    printf("idle %d main\n", tid());
    usleep(100000);  // from "about to wait" to waiting
    ready();
    answer(&heartbeat);
}
