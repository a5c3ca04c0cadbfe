// Exceptions caught, in flight, and not to be caught.
#include "scene.h"

#include <exception>
#include <stdexcept>
#include <string>

static volatile int sink;

NOINLINE static int thrower(int value) {
    if (value == sink) throw std::runtime_error("thrown");
    return value;
}

NOINLINE static int catching(int depth) {
    try {
        return thrower(depth);
    } catch (const std::logic_error &) {
        return 1;
    } catch (const std::exception &error) {
        if (depth == 0) hold();
        return int(std::string(error.what()).size());
    }
}

// Caught, thrown again, and caught while the first is being handled.
NOINLINE static int rethrowing() {
    try {
        try {
            return thrower(0);
        } catch (...) {
            throw;
        }
    } catch (const std::runtime_error &) {
        try {
            throw 5;
        } catch (int number) {
            hold();
            return number + sink;
        }
    }
}

struct Guard {
    std::string label;
    ~Guard() {
        if (std::uncaught_exceptions() > 0) hold();
        sink = int(label.size());
    }
};

// The destructor runs while the exception is on its way.
NOINLINE static int guarded(int value) {
    Guard guard{"guard"};
    return thrower(value) + sink;
}

NOINLINE static int unwinding() {
    try {
        return guarded(0) + sink;
    } catch (...) {
        return 1;
    }
}

NOINLINE static int promised(int value) noexcept { return thrower(value) + sink; }

static void terminating() {
    std::set_terminate([] { hold(); });
    sink = promised(0);
}

// A catch block that recurses into another one.
NOINLINE static int nested(int depth) {
    try {
        if (depth == 0) hold();
        throw depth;
    } catch (int number) {
        return nested(number - 1) + sink;
    }
}

void exception_scenes() {
    scene("catching", [] { sink = catching(0); });
    scene("rethrowing", [] { sink = rethrowing(); });
    scene("unwinding", [] { sink = unwinding(); });
    scene("nested-catch", [] { sink = nested(3); });
    scene("terminating", terminating);
}
