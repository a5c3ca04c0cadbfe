// The main program of unit.cpp: calls unit after unit, as deep as it is told (50), then waits.
#include "fixture.h"

extern int (*const units[])(int left);
extern const int unit_count;
static volatile unsigned long heartbeat;

FRAME int next_unit(int left) {
    if (left > 0) return units[left % unit_count](left);
    ready();
    answer(&heartbeat);
    return 0;
}

int main(int argc, char **argv) {
    return next_unit(argc > 1 ? atoi(argv[1]) : 50);
}
