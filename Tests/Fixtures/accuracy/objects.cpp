// Virtual calls, constructors, destructors, operators, and what the standard library calls back.
#include "scene.h"

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <variant>
#include <vector>

static volatile int sink;

namespace {
// Two bases: a call through the second goes through a thunk. A virtual base: through another.
struct Named {
    virtual ~Named() = default;
    virtual int name(int) const = 0;
};
struct Priced {
    virtual ~Priced() = default;
    virtual int price(int) = 0;
    int padding = 0;
};
struct Product : Named, virtual Priced {
    int name(int depth) const override {
        hold();
        return depth + sink;
    }
    int price(int depth) override { return static_cast<Named *>(this)->name(depth) + sink; }
};
NOINLINE int total(Priced &item) { return item.price(1) + sink; }
void virtuals() {
    std::unique_ptr<Product> product = std::make_unique<Product>();
    sink = total(*product);
}

// Members before bases, a base's constructor that calls what is not yet derived.
template <int level>
struct Layer : Layer<level - 1> {
    std::string label;
    NOINLINE explicit Layer(const std::string &text) : Layer<level - 1>(text + "+"), label(text) {
        sink = level;
    }
};
template <>
struct Layer<0> {
    NOINLINE explicit Layer(const std::string &text) {
        if (!text.empty()) hold();
        sink = 0;
    }
};
struct Static {
    Layer<2> layers{"static"};
};
NOINLINE Static &only() {
    static Static instance;
    return instance;
}

struct Held {
    int number;
    ~Held() {
        if (number == 1) hold();
        sink = number;
    }
};
NOINLINE void destroyed() {
    std::vector<std::shared_ptr<Held>> all;
    for (int index = 0; index < 3; index++) all.push_back(std::make_shared<Held>(index));
    sink = 1;
}

struct Number {
    int value;
    NOINLINE Number operator+(const Number &other) const { return {value + other[1]}; }
    NOINLINE int operator[](int index) const { return value + int(*this) + index; }
    NOINLINE operator int() const { return (*this)(2) + sink; }
    NOINLINE int operator()(int factor) const { return (value < factor) <=> Number{1} == 0; }
    NOINLINE friend int operator<=>(bool, const Number &one) {
        Number copy = one;
        return (copy++, copy.value) + sink;
    }
    NOINLINE Number operator++(int) {
        hold();
        return {value++};
    }
};
}  // namespace

struct Clerk {
    int base;
    NOINLINE int serve(const std::string &who, int count) const {
        hold();
        return base + int(who.size()) + count + sink;
    }
};

// The comparison blocks in the middle of what the library makes of std::sort and its neighbours.
struct Blocker {
    int *left;
    bool operator()(const std::string &one, const std::string &other) const {
        if (--*left == 0) hold();
        return one < other;
    }
};
static std::vector<std::string> words(int count) {
    std::vector<std::string> list;
    for (int index = 0; index < count; index++) list.push_back(std::to_string(index * 7919 % 1000));
    return list;
}
static void sorting(int left) {
    auto list = words(100);
    std::sort(list.begin(), list.end(), Blocker{&left});
    sink = int(list.size());
}
static void stable() {
    auto list = words(100);
    int left = 300;
    std::stable_sort(list.begin(), list.end(), Blocker{&left});
    sink = int(list.size());
}

void object_scenes() {
    scene("virtuals", virtuals);
    scene("constructors", [] { sink = int(only().layers.label.size()); });
    scene("destructors", destroyed);
    scene("operators", [] { sink = (Number{1} + Number{2}).value; });
    scene("bind", [] {
        Clerk clerk{1};
        std::function<int(int)> serve =
            std::bind(&Clerk::serve, &clerk, std::string("someone"), std::placeholders::_1);
        sink = serve(3);
    });
    scene("sort", [] { sorting(250); });
    scene("sort-late", [] { sorting(750); });
    scene("stable-sort", stable);
    scene("accumulate", [] {
        auto list = words(9);
        sink = std::accumulate(list.begin(), list.end(), 0, [](int sum, const std::string &word) {
            if (sum > 10) hold();
            return sum + int(word.size());
        });
    });
    scene("visit", [] {
        std::variant<int, std::string, Clerk> choice = Clerk{2};
        std::visit(
            [](auto &one) {
                if constexpr (std::is_same_v<decltype(one), Clerk &>) sink = one.serve("visitor", 1);
            },
            choice);
    });
    scene("call-once", [] {
        static std::once_flag flag;
        std::call_once(flag, [](int number) {
            hold();
            sink = number;
        }, 5);
    });
    scene("joins-thread", [] {
        std::thread other([](std::string text) {
            hold();
            sink = int(text.size());
        }, "thread");
        other.join();
    });
    scene("awaits-async", [] {
        sink = std::async(std::launch::async, [] {
            hold();
            return 7;
        }).get();
    });
}
