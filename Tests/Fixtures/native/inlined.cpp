// inlined [DEPTH]: waits inside of calls that were inlined, below a recursion DEPTH (3) deep, each round of
// which is a function and a call inlined into it. Innermost first:
//
//     shop::wait                       a function
//     shop::Order::total               inlined
//     a lambda in shop::handle         inlined
//     shop::handle                     a function
//     shop::step<int>                  inlined
//     shop::recurse                    a function, and with shop::step<int> again and again
#include "fixture.h"

#define INLINED inline __attribute__((always_inline))

namespace shop {

volatile unsigned long heartbeat;

FRAME int wait(int cents) {
    ready();
    answer(&heartbeat);
    return cents;
}

struct Order {
    int cents;
    INLINED int total() const {
        int result = wait(cents);
        KEEP_FRAME();
        return result + 1;
    }
};

FRAME int handle(int cents) {
    Order order{cents};
    auto sum = [&](int extra) __attribute__((always_inline)) {
        return order.total() + extra;
    };
    int result = sum(5);
    KEEP_FRAME();
    return result;
}

FRAME int recurse(int left);

template <typename T>
INLINED T step(T left) {
    T result = left > 1 ? recurse(left - 1) : handle(left);
    KEEP_FRAME();
    return result;
}

FRAME int recurse(int left) {
    int result = step<int>(left);
    KEEP_FRAME();
    return result + 2;
}

}  // namespace shop

int main(int argc, char **argv) {
    return shop::recurse(argc > 1 ? atoi(argv[1]) : 3) == 0;
}
