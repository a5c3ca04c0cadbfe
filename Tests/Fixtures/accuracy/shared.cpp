// The scenes that leave the program: into a library that it is linked with, into a plugin that it opens,
// and into that one's constructor, inside dlopen.
#include "scene.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string>

#include "library.h"

static volatile int sink;

namespace {
// The library has one of the same name.
NOINLINE int step(int value) {
    hold();
    return value + sink;
}
NOINLINE int callback(int value) { return step(value) + sink; }
}  // namespace

void shared_scenes() {
#ifndef STATIC
    scene("shared", [] { sink = calls_back(callback, 1); });
    scene("shared-object", [] { sink = Machine("machine").run(callback); });
    scene("plugin", [] {
        void *plugin = dlopen("libaccuracy-plugin.so", RTLD_NOW | RTLD_LOCAL);
        if (!plugin) abort();
        auto entry = reinterpret_cast<int (*)(int (*)(int))>(dlsym(plugin, "plugin_entry"));
        sink = entry(callback);
    });
    scene("dlopen", [] {
        setenv("ACCURACY_HOLD", "1", 1);
        prepare(hold);
        sink = dlopen("libaccuracy-second.so", RTLD_NOW | RTLD_LOCAL) != nullptr;
    });
#endif
}
