// SPDX-License-Identifier: Apache-2.0
// Routines of which each architecture has its own (ARCHITECTURE/entry.c).
#ifndef INQUEST_ENTRY_H
#define INQUEST_ENTRY_H

#include <stdint.h>

// ENTRIES times a jump to inquest_handle, eight bytes apart. They differ in their address alone
// (defaults.h says what for).
enum { ENTRIES = 64, ENTRY_SIZE = 8 };
extern const char inquest_entries[ENTRIES * ENTRY_SIZE] __attribute__((visibility("hidden")));

// clone(2) with these flags; the child runs `function(argument)` on a stack that ends at `stack`
// (aligned to 16), and must not return from it. The child's id, or a negative error number.
long clone_onto(unsigned long flags, void *stack, void (*function)(void *), void *argument)
    __attribute__((visibility("hidden")));

#endif
