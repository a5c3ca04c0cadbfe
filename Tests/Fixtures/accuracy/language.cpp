// Templates, lambdas, inlining, recursion, calls that do not return, frames of odd sizes.
#include "scene.h"

#include <alloca.h>
#include <array>
#include <coroutine>
#include <map>
#include <stdarg.h>
#include <string.h>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

static volatile int sink;
static volatile int zero;

// Templates of values, types, packs, templates and a function.
template <typename T, int size, template <typename...> class Container>
struct Grid {
    Container<T> cells{T(size)};
    template <typename Action>
    NOINLINE void each(Action action) {
        for (T &cell : cells) action(cell, std::integral_constant<int, size>());
        sink = 1;
    }
};

template <typename... Parts>
NOINLINE int join(int depth, Parts... parts) {
    if (depth == 0) hold();
    if constexpr (sizeof...(parts) < 5) {
        sink = join(depth - 1, parts..., depth) + int(sizeof...(parts));
    }
    return sink;
}

template <int (*call)(int, const char *, double)>
NOINLINE int through() {
    return call(3, "pack", 2.5) + sink;
}

static void templates() {
    Grid<double, 3, std::vector> grid;
    grid.each([](double &cell, auto size) {
        cell += size + through<join<const char *, double>>();
        sink = 2;
    });
}

// Lambdas: nested, generic, mutable, called at once, and as a function pointer.
static void lambdas() {
    std::string word = "lambda";
    auto outer = [&word](auto number) NOINLINE {
        auto inner = [number, &word]() NOINLINE {
            int (*plain)(std::map<std::string, int>) = [](std::map<std::string, int> counts) NOINLINE {
                [&]() NOINLINE {
                    hold();
                    sink = 1;
                }();
                return int(counts.size());
            };
            sink = plain({{word, 1}}) + number;
        };
        inner();
        sink = 2;
    };
    outer(short(1));
    sink = 3;
}

// Inlined four deep, in a loop, twice.
static INLINE void innermost(int value) {
    if (value == 3) hold();
    sink = value;
}
static INLINE void inner(int value) {
    sink = value;
    innermost(value + 1);
    sink = value;
}
template <typename T>
static INLINE T middle(T value) {
    inner(int(value) + 1);
    return value + T(sink);
}
static INLINE int outer(int value) {
    int sum = 0;
    for (int index = value; index < 3; index++) sum += middle(long(index));
    return sum;
}
static void inlining() { sink = outer(zero) + outer(1); }

// Recursion that is not folded: short, branching, and of four functions in turn.
NOINLINE static int fibonacci(int number) {
    if (number == 1) hold();
    if (number < 2) return number + sink;
    return fibonacci(number - 1) + fibonacci(number - 2);
}
NOINLINE static int winter(int years);
NOINLINE static int autumn(int years) { return winter(years) + sink; }
NOINLINE static int summer(int years) { return autumn(years) + sink; }
NOINLINE static int spring(int years) { return summer(years) + sink; }
NOINLINE static int winter(int years) {
    if (years == 0) hold();
    return spring(years - 1) + sink;
}
// And that is folded: forty frames of one, and of two in turn.
NOINLINE static int down(int left) {
    if (left == 0) hold();
    return down(left - 1) + sink;
}
NOINLINE static int odd(int left);
NOINLINE static int even(int left) {
    if (left == 0) hold();
    return odd(left - 1) + sink;
}
NOINLINE static int odd(int left) { return even(left - 1) + sink; }

// The call is each function's last instruction: the return address is the next function's.
[[noreturn]] NOINLINE static void give_up(const char *reason) {
    sink = reason[0];
    hold();
    __builtin_unreachable();
}
[[noreturn]] NOINLINE static void fail(int code) {
    sink = code;
    give_up("failed");
}
NOINLINE static int check(int value) {
    if (value == 0) fail(value);
    return value + sink;
}

// At -O2 these are jumps: nobody is left on the stack who could be returned to.
NOINLINE static int last(int value) {
    if (value > 1) hold();
    return value + sink;
}
NOINLINE static int tail(int value) { return last(value + 1); }
NOINLINE static int jump(int value) { return tail(value + 1); }
NOINLINE static void tail_calls() { sink = jump(zero) + 1; }

// Frames whose size only the running program knows, and realigned ones.
NOINLINE static void aligned(char *bytes) {
    alignas(128) volatile char room[256];
    room[0] = bytes[0];
    hold();
    sink = room[0];
}
NOINLINE static void variable(int size) {
    auto *bytes = static_cast<char *>(alloca(size));
    memset(bytes, 1, size);
    aligned(bytes);
    sink = bytes[size - 1];
}
NOINLINE static void large(int size) {
    volatile char room[200000];
    room[size] = 1;
    variable(size);
    sink = room[size];
}

NOINLINE static int variadic(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    int sum = 0;
    for (; *format; format++) sum += *format == 'i' ? va_arg(rest, int) : int(va_arg(rest, double));
    hold();
    va_end(rest);
    return sum + sink;
}

// Eleven arguments, some on the stack, one a structure.
NOINLINE static int crowded(int a, long b, char c, double d, float e, std::array<long, 9> f, int g,
                            int h, int i, int j, const std::string &k) {
    hold();
    return int(a + b + c + d + e + f[8] + g + h + i + j + k.size()) + sink;
}

struct Generator {
    struct promise_type {
        Generator get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int) { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
};
static Generator numbers(int from) {
    for (;; from++) {
        if (from == 2) hold();
        co_yield from;
    }
}
static void coroutine() {
    Generator generator = numbers(1);
    for (int index = 0; index < 4; index++) generator.handle.resume();
    sink = 1;
}

void language_scenes() {
    scene("templates", templates);
    scene("lambdas", lambdas);
    scene("inlining", inlining);
    scene("fibonacci", [] { sink = fibonacci(7); });
    scene("seasons", [] { sink = winter(5); });
    scene("down", [] { sink = down(40); });
    scene("even", [] { sink = even(40); });
    scene("noreturn", [] { sink = check(zero); });
    scene("tail-calls", [] { tail_calls(); });
    scene("large-frames", [] { large(70000); });
    scene("variadic", [] { sink = variadic("idi", 1, 2.5, 3); });
    scene("crowded", [] { sink = crowded(1, 2, 3, 4, 5, {6}, 7, 8, 9, 10, "eleven"); });
    scene("coroutine", coroutine);
}
