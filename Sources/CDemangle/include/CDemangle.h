// Demangling of names that somebody else wrote, bounded in space and time.
//
// The demanglers are libiberty's (C++ and both manglings of Rust) and the Swift runtime's. All three
// expand back references, so a short name can unfold without end: a C++ name of 235 bytes became
// 277 MB, and with a parameter pack over such a type the time doubles with every level as well.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CDEMANGLE_CXX 'C'
#define CDEMANGLE_RUST 'R'
#define CDEMANGLE_SWIFT 'S'

// Demangles the zero-terminated `name` into `out`, which gets no terminating zero.
//
// `language` is one of the letters above. Returns the length in bytes, or -1 if it is no such name.
// A result that does not fit is cut: `out` is full and `capacity + 1` is returned. C++ and Rust stop
// right there; Swift's demangler has no way to be stopped and unfolds everything first.
//
// `guarded` is for a process that may die: it lifts libiberty's limit of 1024 bytes per C++ name.
ssize_t cdemangle(char language, const char *name, int guarded, char *out, size_t capacity);

// Demangles `count` names in a child process, which may die of any of them.
//
// `packed` holds, for each name, its language letter, the name and a zero byte. For each, in order,
// `*results` (close it) delivers a ssize_t, the value that `cdemangle` returned, and the
// min(that, capacity) bytes of text. A name that takes more than `cpu_milliseconds` ends the child.
// Returns the child's pid (wait for it), or -1 with errno.
pid_t cdemangle_in_child(const char *packed, size_t count, size_t capacity, int cpu_milliseconds,
                         int *results);
