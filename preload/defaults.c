// SPDX-License-Identifier: Apache-2.0
#include "defaults.h"

#include <stdatomic.h>

#include "entry.h"

// Handed out once, never changed again: readers need no lock, and a vforked child, which writes
// into its parent's memory, can only add.
static struct record {
  _Atomic int state;
  uint32_t flags;
  signal_set mask;
} records[ENTRIES];  // the first one is for defaults that nobody set, and stays as it is

enum { FREE, BEING_WRITTEN, READY };

static signal_handler entry_at(size_t index) {
  return (signal_handler)(uintptr_t)&inquest_entries[index * ENTRY_SIZE];
}

signal_handler entry_for_untouched_default(void) { return entry_at(0); }

static bool is_for(struct record *record, uint32_t flags, signal_set mask) {
  return atomic_load_explicit(&record->state, memory_order_acquire) == READY &&
         record->flags == flags && record->mask == mask;
}

static bool claim(struct record *record, uint32_t flags, signal_set mask) {
  int expected = FREE;
  if (!atomic_compare_exchange_strong(&record->state, &expected, BEING_WRITTEN)) return false;
  record->flags = flags;
  record->mask = mask;
  atomic_store_explicit(&record->state, READY, memory_order_release);
  return true;
}

// As the kernel would keep them.
signal_handler entry_for_default(unsigned long flags, signal_set mask) {
  const signal_set never_blocked = set_of(KILL) | set_of(STOP);
  uint32_t kept = (uint32_t)flags & FLAGS_KEPT;
  mask &= ~never_blocked;
  for (size_t i = 1; i < ENTRIES; i++)
    if (is_for(&records[i], kept, mask) || claim(&records[i], kept, mask)) return entry_at(i);
  return ACTION_DEFAULT;
}

bool is_entry(signal_handler handler, unsigned long *flags, signal_set *mask) {
  uintptr_t offset = (uintptr_t)handler - (uintptr_t)inquest_entries;
  if (offset >= sizeof inquest_entries) return false;
  const struct record *record = &records[offset / ENTRY_SIZE];
  *flags = record->flags;
  *mask = record->mask;
  return true;
}
