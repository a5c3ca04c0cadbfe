// dies MODE: dies in a way that leaves something to be read. With CATCHING_COLLECTOR the collector reads it.
#include <cfenv>
#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/resource.h>

#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "catching.h"
#include "fixture.h"

namespace shop {
struct Empty : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// Two bases, the one with the message second.
struct Tagged {
    long tag = 7;
    virtual ~Tagged() {}
};
struct Labelled : Tagged, Empty {
    explicit Labelled(const char *text) : Empty(text) {}
};
struct Own : std::logic_error {
    using std::logic_error::logic_error;
    const char *what() const noexcept override { return "words of its own"; }
};
template <class T>
struct Odd {
    T value;
};
}  // namespace shop

FRAME static void throw_runtime() { throw std::runtime_error("the disk is full"); }
FRAME static void throw_through_noexcept() noexcept { throw_runtime(); }
FRAME static void throw_again() {
    try {
        throw_runtime();
    } catch (...) {
        throw;
    }
}
FRAME static void throw_second() {
    try {
        throw_runtime();
    } catch (...) {
        throw shop::Empty("and then this");
    }
}
FRAME static void throw_from_pointer() {
    std::exception_ptr kept;
    try {
        throw_runtime();
    } catch (...) {
        kept = std::current_exception();
    }
    std::rethrow_exception(kept);
}

static int numbers[4] = {0x11, 0x22, 0x33, 0x44};
static int *volatile pointer;
static int volatile zero;

FRAME static int deeper(int volatile *up) {
    int volatile here[64];
    here[0] = *up + 1;
    return deeper(here) + here[0];
}

// Refuses one system call, which the collector does not need: a filter is inherited.
FRAME static void ask_for_refused() {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    getpriority(PRIO_PROCESS, 0);
}

#if defined(__x86_64__)
// One instruction each, so that gdb and we speak of the same.
static const std::map<std::string, std::function<void()>> instructions = {
    {"load", [] { asm volatile("mov 0x18(%0), %%eax" ::"r"(0L) : "rax"); }},
    {"store", [] { asm volatile("movq $42, 0x10(%0,%1,8)" ::"r"(0x1000L), "r"(5L)); }},
    {"segment", [] { asm volatile("mov %%fs:0x7fffffff, %%rax" ::: "rax"); }},
    {"relative", [] { asm volatile("movl $1, main(%%rip)" ::: "memory"); }},
    {"noncanonical", [] { asm volatile("addl $1, (%0)" ::"r"(0x1234567890abcdefL)); }},
    {"copy", [] { asm volatile("rep movsb" ::"D"(0x2000L), "S"(numbers), "c"(8L)); }},
    {"calls", [] { asm volatile("call *0x20(%0)" ::"r"(0x3000L)); }},
    {"push", [] { asm volatile("mov $0x5000, %%rsp; push %%rax" ::: "memory"); }},
    {"divide", [] { zero = 10 / zero; }},
    {"illegal", [] { asm volatile("ud2"); }},
    {"trap", [] { asm volatile("int3"); }},
    {"nowhere", [] { ((void (*)())8)(); }},
    {"data", [] { ((void (*)())numbers)(); }},
    {"between", [] { asm volatile("mov (%0), %%eax" ::"r"(0x7000L) : "rax"); }},
};
#else
static const std::map<std::string, std::function<void()>> instructions = {};
#endif

extern "C" void *__memcpy_chk(void *, const void *, size_t, size_t);

// Its constructor calls what only a derived class has.
struct Abstract {
    Abstract() { call(); }
    void call() { act(); }
    virtual void act() = 0;
};
struct Concrete : Abstract {
    void act() override {}
};

static const std::map<std::string, std::function<void()>> ways = {
    {"assert", [] { assert(zero == 1 && "zero is one"); }},
    {"double_free",
     [] {
         void *volatile block = malloc(64 << 10);
         free(block);
         free(block);
     }},
    {"smash",
     [] {
         char text[8];
         memset(text, 1, 8 + (zero + 64));
         asm volatile("" ::"r"(text) : "memory");
     }},
    {"abort", [] { abort(); }},
    {"overflow", [] { deeper(&zero); }},
    {"runtime", throw_runtime},
    {"derived", [] { throw shop::Empty("no more tea"); }},
    {"labelled", [] { throw shop::Labelled("second base"); }},
    {"own", [] { throw shop::Own("not these"); }},
    {"logic", [] { throw std::out_of_range("index 7 of 3"); }},
    {"number", [] { throw 42; }},
    {"text", [] { throw "a plain text"; }},
    {"template", [] { throw shop::Odd<std::string>{"odd"}; }},
    {"rethrown", throw_again},
    {"second", throw_second},
    {"kept", throw_from_pointer},
    {"noexcept", throw_through_noexcept},
    {"memory",
     [] {
         struct rlimit limit = {512 << 20, RLIM_INFINITY};
         setrlimit(RLIMIT_AS, &limit);
         for (;;) memset(operator new(16 << 20), 1, 1);
     }},
    {"joinable", [] { std::thread idle([] { pause(); }); }},
    {"pure_virtual", [] { Concrete(); }},
    {"fortify",
     [] {
         volatile size_t size = 64;
         char text[8];
         __memcpy_chk(text, "a text that is longer than eight bytes, and then some more of it ....", size, sizeof text);
         asm volatile("" ::"r"(text) : "memory");
     }},
    {"float_trap",
     [] {
         feenableexcept(FE_DIVBYZERO);
         volatile double none = 0, one = 1;
         none = one / none;
     }},
    {"terminate", [] { std::terminate(); }},
    {"seccomp", ask_for_refused},
};

int main(int count, char **words) {
    std::string way = count > 1 ? words[1] : "";
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    catching_begin();
    if (way == "refused") return printf("getpriority %d\n", SYS_getpriority), 0;
    if (way == "sent") {
        ready();
        unsigned long beats = 0;
        answer(&beats);
    }
    if (way == "thread") {
        std::thread([] {
            catching_begin();
            throw_runtime();
        }).join();
    }
    if (instructions.count(way)) instructions.at(way)();
    if (ways.count(way)) ways.at(way)();
    return 0;
}
