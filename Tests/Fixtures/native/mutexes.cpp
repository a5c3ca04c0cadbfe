// std::mutex, which is a pthread_mutex_t: a thread waits for one that main holds. It says so as locks does.
#include "fixture.h"

#include <mutex>
#include <thread>

static volatile unsigned long heartbeat;

int main() {
    setvbuf(stdout, nullptr, _IOLBF, 4096);
    static std::mutex mutex;
    mutex.lock();
    int owner = gettid();
    std::thread([owner] {
        printf("waits %d mutex %p %d\n", gettid(), static_cast<void *>(mutex.native_handle()), owner);
        mutex.lock();
    }).detach();
    printf("idle %d main\n", owner);
    usleep(100000);  // from "about to wait" to waiting
    ready();
    answer(&heartbeat);
}
