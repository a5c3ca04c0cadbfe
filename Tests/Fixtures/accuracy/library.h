// What the shared library of this program exports.
#ifndef LIBRARY_H
#define LIBRARY_H

#include <string>

int calls_back(int (*callback)(int), int value);

// What constructors of plugins call.
void prepare(void (*hold)());
void constructed();

class Machine {
public:
    explicit Machine(std::string name);
    int run(int (*callback)(int)) const;

private:
    class Part;
    std::string name;
};

#endif
