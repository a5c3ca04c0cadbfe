// libaccuracy.so: hidden, static and exported functions that call back into the program.
#include "library.h"

#include "scene.h"

static volatile int sink;
static void (*holding)();

namespace {
NOINLINE int step(int (*callback)(int), int value) { return callback(value) + sink; }
}  // namespace

__attribute__((visibility("hidden"))) NOINLINE int hidden(int (*callback)(int), int value) {
    return step(callback, value) + sink;
}

int calls_back(int (*callback)(int), int value) { return hidden(callback, value) + sink; }

class Machine::Part {
public:
    NOINLINE static int turn(int (*callback)(int), const std::string &name) {
        return hidden(callback, int(name.size())) + sink;
    }
};

Machine::Machine(std::string name) : name(std::move(name)) {}
int Machine::run(int (*callback)(int)) const { return Part::turn(callback, name) + sink; }

void prepare(void (*hold)()) { holding = hold; }
void constructed() {
    holding();
    sink = 1;
}
