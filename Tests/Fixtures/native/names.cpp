// A chain of calls through everything that makes C++ names hard: templates, a template parameter that
// is a value, operators, a conversion, constructors, a lambda, an anonymous namespace, std:: arguments.
// The innermost function waits. Innermost first; every frame is a name of its own:
//
//     shop::(anonymous namespace)::wait(std::map<…> const&)
//     shop::Basket<int, 3>::operator+=(int)
//     shop::Price::operator double() const
//     shop::Order::Order(std::string)::{lambda(std::vector<…> const&)#1}::operator()(…) const
//     double shop::apply<shop::Order::Order(std::string)::{lambda…}>(…)
//     shop::Order::Order(std::string)
#include "fixture.h"

#include <map>
#include <string>
#include <vector>

namespace shop {

namespace {
volatile unsigned long heartbeat;

FRAME void wait(const std::map<std::string, std::vector<int>> &prices) {
    ready();
    answer(&heartbeat);
    if (!prices.empty()) KEEP_FRAME();
}
}  // namespace

template <typename T, int N>
struct Basket {
    T items[N] = {};
    FRAME Basket &operator+=(T item) {
        items[0] = item;
        wait({{"apple", {1, 2}}});
        return *this;
    }
};

struct Price {
    int cents;
    FRAME explicit operator double() const {
        Basket<int, 3> basket;
        basket += cents;
        return cents / 100.0;
    }
};

template <typename F>
FRAME double apply(F function, const std::vector<Price> &prices) {
    double result = function(prices);
    KEEP_FRAME();
    return result;
}

struct Order {
    double total;
    FRAME explicit Order(std::string customer);
};

Order::Order(std::string customer) {
    auto sum = [&](const std::vector<Price> &prices) __attribute__((noinline)) {
        double result = customer.size();
        for (auto &price : prices) result += static_cast<double>(price);
        return result;
    };
    total = apply(sum, {Price{250}, Price{175}});
}

}  // namespace shop

int main() {
    shop::Order order("4711");
    return order.total < 0;
}
