// hard: a program rich in what makes backtraces hard; see scene.h. Prints "ready PID" when every scene
// is set, and ends with its standard input.
#include "scene.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t set;

NOINLINE void hold() {
    sem_post(&set);
    for (;;) pause();
}

namespace {
struct Start {
    const char *name;
    std::function<void()> body;
};

void *enter(void *argument) {
    auto *start = static_cast<Start *>(argument);
    pthread_setname_np(pthread_self(), start->name);
    start->body();
    return nullptr;
}
}  // namespace

void scene(const char *name, std::function<void()> body) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, enter, new Start{name, std::move(body)}) != 0) abort();
    sem_wait(&set);
}

int main() {
    alarm(120);
    sem_init(&set, 0, 0);
    language_scenes();
    object_scenes();
    exception_scenes();
    library_scenes();
    signal_scenes();
    // Last: its plugin holds the dynamic linker's lock.
    shared_scenes();
    printf("ready %d\n", getpid());
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    _exit(0);
}
