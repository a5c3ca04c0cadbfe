// libaccuracy-plugin.so, and with SECOND libaccuracy-second.so, whose constructor never ends.
#include "library.h"

#include "scene.h"

static volatile int sink;

#ifdef SECOND
static struct Constructed {
    NOINLINE Constructed() {
        constructed();
        sink = 1;
    }
} instance;
#else
static int plugin_step(int (*callback)(int)) { return calls_back(callback, 2) + sink; }

extern "C" int plugin_entry(int (*callback)(int)) {
    return [&](int extra) NOINLINE { return plugin_step(callback) + extra; }(1) + sink;
}
#endif
