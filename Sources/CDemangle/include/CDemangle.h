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

// What `cdemangle_in_child` needs for `results`, in bytes.
static inline size_t cdemangle_results_size(size_t count, size_t capacity) {
  return count * (sizeof(ssize_t) + (capacity + 7) / 8 * 8);
}

// Demangles `count` names in a child process, which may die of any of them.
//
// `packed` holds, for each name, its language letter, the name and a zero byte. `results` is zeroed
// memory shared with children (MAP_SHARED); it fills, in the order of the names, with what
// `cdemangle` returned (a ssize_t, never 0), followed by that many bytes of text, at most `capacity`,
// and padding to a multiple of 8. A 0 means: the child did not get there. A name that takes more
// than `cpu_milliseconds` ends the child.
//
// `*alive` (close it) reports end of file when the child has gone. Returns the child's pid (wait for
// it), or -1 with errno.
pid_t cdemangle_in_child(const char *packed, size_t count, size_t capacity, int cpu_milliseconds,
                         char *results, int *alive);
