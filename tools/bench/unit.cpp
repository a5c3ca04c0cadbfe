// One unit of a large C++ program: what templates, lambdas and inlining make of a few functions. `unit`
// is renamed in each object that is called; targets.py says how the program is put together.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" int next_unit(int left);

namespace {

struct Order {
    std::string customer;
    std::vector<double> prices;
    double total() const { return std::accumulate(prices.begin(), prices.end(), 0.0); }
};

template <typename Visitor>
inline int each(const std::map<std::string, Order> &orders, Visitor visit) {
    int result = 0;
    for (const auto &[name, order] : orders) result += visit(name, order);
    return result;
}

class Book {
public:
    explicit Book(int left) : left(left) {
        std::ostringstream name;
        name << "customer " << left;
        orders[name.str()] = Order{name.str(), {1.5, 2.5, double(left)}};
    }

    __attribute__((noinline)) int walk() const {
        return each(orders, [this](const std::string &name, const Order &order) {
            static const std::regex pattern("customer [0-9]+");
            return std::regex_match(name, pattern) && order.total() > 0 ? deeper() : 0;
        });
    }

private:
    inline int deeper() const {
        std::function<int(int)> call = [](int left) { return next_unit(left) + 1; };
        return call(left - 1);
    }

    std::map<std::string, Order> orders;
    int left;
};

}  // namespace

extern "C" int unit(int left) {
    auto book = std::make_unique<Book>(left);
    int result = book->walk();
    __asm__ volatile("" ::: "memory");
    return result;
}
