// SPDX-License-Identifier: Apache-2.0
#include "started.h"

#include <stdatomic.h>

#include "kernel.h"

enum { SLOTS = 1024 };

// Shared by all processes that were forked from the one whose constructor made it. Two of them
// whose ids fall into one slot may lose a note: one report too many.
static _Atomic int *notes;

void started_prepare(void) {
  notes = kernel_map_as(SLOTS * sizeof *notes, PROTECT_READ_WRITE, MAP_SHARED_BY_CHILDREN);
}

void started_note(long pid) {
  if (notes) atomic_store(&notes[pid % SLOTS], (int)pid);
}

bool started_take(long pid) {
  int expected = (int)pid;
  return notes && atomic_compare_exchange_strong(&notes[pid % SLOTS], &expected, 0);
}
