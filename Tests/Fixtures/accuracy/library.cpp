// What libc and the threads library call: comparisons, entry points, destructors, contexts.
#include "scene.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int sink;

static int compare(const void *one, const void *other) {
    int left = *static_cast<const int *>(one), right = *static_cast<const int *>(other);
    if (right == 3) hold();
    return left - right;
}

static void qsorting() {
    int numbers[] = {9, 4, 7, 3, 1, 8, 2};
    qsort(numbers, 7, sizeof(int), compare);
    sink = numbers[0];
}

static void searching() {
    int numbers[] = {1, 2, 3, 4, 5};
    int key = 3;
    sink = bsearch(&key, numbers, 5, sizeof(int), compare) != nullptr;
}

static void tree_visit(const void *, VISIT order, int) {
    if (order == leaf) hold();
}
static void walking() {
    void *root = nullptr;
    static int numbers[] = {5, 1, 9, 0};
    for (int &number : numbers) {
        tsearch(&number, &root, [](const void *one, const void *other) {
            return *static_cast<const int *>(one) - *static_cast<const int *>(other);
        });
    }
    twalk(root, tree_visit);
    sink = 1;
}

// Destructors of a thread's end: of its thread_local objects, and of its keys.
struct Local {
    int number = 1;
    NOINLINE ~Local() {
        hold();
        sink = number;
    }
};
static thread_local Local local;

static void key_destructor(void *) {
    hold();
    sink = 1;
}
static void key_scene() {
    pthread_key_t key;
    pthread_key_create(&key, key_destructor);
    pthread_setspecific(key, &key);
}

static void once_function() {
    hold();
    sink = 1;
}
static void once_scene() {
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    pthread_once(&control, once_function);
}

// A cancelled thread runs this by a forced unwinding, out of the system call that it was in.
static void clean_up(void *) {
    hold();
    sink = 1;
}
static void cancelled() {
    pthread_cleanup_push(clean_up, nullptr);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
}
static void cancelled_in_call() {
    pthread_cleanup_push(clean_up, nullptr);
    static pthread_t victim;
    victim = pthread_self();
    pthread_t killer;
    pthread_create(
        &killer, nullptr,
        [](void *) -> void * {
            usleep(50000);
            pthread_cancel(victim);
            return nullptr;
        },
        nullptr);
    pthread_join(killer, nullptr);
    sleep(100);
    pthread_cleanup_pop(0);
}

// A stack of one's own, whose outermost frame nobody called.
static ucontext_t back, coroutine;
static char stack[256 << 10];
static void on_own_stack() {
    hold();
    sink = 1;
}
static void switching() {
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack;
    coroutine.uc_stack.ss_size = sizeof stack;
    coroutine.uc_link = &back;
    makecontext(&coroutine, on_own_stack, 0);
    swapcontext(&back, &coroutine);
}

void library_scenes() {
    scene("qsort", qsorting);
    scene("bsearch", searching);
    scene("twalk", walking);
    scene("thread-local", [] { sink = local.number; });
    scene("key", key_scene);
    scene("once", once_scene);
    scene("cancelled", cancelled);
    scene("cancelled-call", cancelled_in_call);
    scene("own-stack", switching);
}
