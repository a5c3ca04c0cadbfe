// SPDX-License-Identifier: Apache-2.0
// How C++ programs die, and how they live with signals.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "contract.h"

namespace {

struct Loud {
  const char *name;
  ~Loud() { say("end of %s", name); }
};

void uncaught() { throw std::runtime_error("nobody listens"); }

void uncaught_number() { throw 7; }

void uncaught_in_thread() { std::thread([] { throw std::logic_error("in a thread"); }).join(); }

void caught() {
  try {
    Loud guard{"guard"};
    throw std::out_of_range("caught");
  } catch (const std::exception &error) {
    say("%s", error.what());
  }
}

void own_terminate() {
  std::set_terminate([] {
    say("terminating");
    std::abort();
  });
  throw 1;
}

#pragma GCC diagnostic ignored "-Wterminate"
void out_of_noexcept() noexcept { throw std::runtime_error("out of noexcept"); }

void second_exception() {
  struct Throws {
    ~Throws() noexcept(false) { throw 2; }
  };
  Throws guard;
  throw 1;
}

struct Base {
  Base() { call(); }
  void call() { act(); }
  virtual void act() = 0;
};
struct Derived : Base {
  void act() override {}
};
void pure_virtual() { Derived object; }

void no_memory() {
  try {
    volatile std::size_t size = ~std::size_t{0} / 4;
    say("%p", static_cast<void *>(new char[size]));
  } catch (const std::bad_alloc &) {
    say("bad_alloc");
  }
}

// With -fnon-call-exceptions programs throw out of handlers; the unwinder goes through the signal's frame.
void throw_out_of_handler() {
  handle(SIGUSR1, [](int) { throw std::runtime_error("out of a handler"); }, SA_NODEFER);
  for (int i = 0; i < 3; i++) try {
      raise(SIGUSR1);
    } catch (const std::exception &error) {
      say("%s", error.what());
    }
}

thread_local Loud per_thread{"the thread's object"};

void thread_local_destructors() {
  std::thread([] { say("using %s", per_thread.name); }).join();
  say("joined");
}

void joinable_destroyed() { std::thread thread([] {}); }

void many_threads() {
  std::vector<std::thread> threads;
  std::vector<int> results(64);
  for (int i = 0; i < 64; i++) threads.emplace_back([&results, i] { results[i] = i; });
  for (auto &thread : threads) thread.join();
  int sum = 0;
  for (int each : results) sum += each;
  say("%d", sum);
}

void static_destructors() {
  static Loud late{"the static object"};
  std::atexit([] { say("atexit"); });
  say("leaving");
  std::exit(4);
}

void quick() {
  std::at_quick_exit([] { say("at_quick_exit"); });
  std::quick_exit(6);
}

void fault_in_thread() {
  std::thread([] { *nowhere = 1; }).join();
}

void assertion_of_the_library() {
  std::vector<int> empty;
  try {
    say("%d", empty.at(3));
  } catch (const std::out_of_range &) {
    say("out_of_range");
  }
}

}  // namespace

extern const struct behaviour behaviours[] = {
    {"uncaught", uncaught},
    {"uncaught-number", uncaught_number},
    {"uncaught-in-thread", uncaught_in_thread},
    {"caught", caught},
    {"own-terminate", own_terminate},
    {"out-of-noexcept", out_of_noexcept},
    {"second-exception", second_exception},
    {"pure-virtual", pure_virtual},
    {"no-memory", no_memory},
    {"throw-out-of-handler", throw_out_of_handler},
    {"thread-local-destructors", thread_local_destructors},
    {"joinable-destroyed", joinable_destroyed},
    {"many-threads", many_threads},
    {"static-destructors", static_destructors},
    {"quick-exit", quick},
    {"fault-in-thread", fault_in_thread},
    {"exception-of-the-library", assertion_of_the_library},
    {nullptr, nullptr},
};
