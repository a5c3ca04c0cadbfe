// rounds DEPTH PERIOD [moving]: recursion DEPTH calls deep, through PERIOD (1 to 4) functions in turn, on a
// thread of its own whose stack is large enough. Then it waits, having said "depth N" as counted by the
// calls; or, moving, it returns from all of them and begins again: through one and two, then through three
// and four.
#include "fixture.h"

#include <pthread.h>

typedef long function(long);
static function *next[4];
static volatile unsigned long heartbeat;
static long calls, depth;
static int moving;

FRAME long bottom(void) {
    if (moving && calls > depth) return 0;
    printf("depth %ld\n", calls);
    ready();
    if (!moving) answer(&heartbeat);
    return 0;
}

#define FUNCTION(name, number)                                  \
    FRAME long name(long left) {                                \
        calls++;                                                \
        long result = left > 1 ? next[number](left - 1) : bottom(); \
        KEEP_FRAME();                                           \
        return result + 1;                                      \
    }
FUNCTION(one, 0)
FUNCTION(two, 1)
FUNCTION(three, 2)
FUNCTION(four, 3)

static void *begin(void *unused) {
    long result = one(depth);
    while (moving) result += three(depth) + one(depth);
    KEEP_FRAME();
    return (void *)result + (unused != NULL);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    moving = argc > 3;
    depth = atol(argv[1]);
    int period = atoi(argv[2]);
    if (depth < 1 || period < 1 || period > 4) return 2;
    function *all[] = {one, two, three, four};
    for (int i = 0; i < period; i++) next[i] = all[(i + 1) % period];
    if (moving) next[0] = two, next[1] = one, next[2] = four, next[3] = three;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (1 << 20) + depth * 128);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, begin, NULL) != 0) return 1;
    pthread_join(thread, NULL);
    return 0;
}
