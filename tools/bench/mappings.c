// mappings [N]: N (5,000) mappings of two kinds in turn, so that the kernel cannot merge them.
#include "fixture.h"

#include <sys/mman.h>

static volatile unsigned long heartbeat;

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 5000;
    for (int i = 0; i < count; i++) {
        int protection = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
        char *page = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return 1;
        if (i % 2 == 0) *page = 1;
    }
    ready();
    answer(&heartbeat);
}
