// SPDX-License-Identifier: Apache-2.0
// The handler runs in a process that is broken, on an alternate stack of which little may be left,
// with all signals blocked. It takes no lock, calls no library, changes no errno: system calls
// only.
#include "handler.h"

#include <stdatomic.h>

#include "chain.h"
#include "launch.h"
#include "started.h"

// The thread that collects: its process's id above its own. A vforked child writes into its
// parent's memory, a forked one has a copy of it; so a claim counts only in the process that made
// it.
static _Atomic uint64_t claim;

enum { RELEASED = 0, DYING = -1 };  // in the place of the thread

static uint64_t claim_of(long process, long thread) {
  return (uint64_t)process << 32 | (uint32_t)thread;
}

// Whether this thread is to collect; false when it is to die without.
static bool claim_collection(const struct crash *crash) {
  int patience = 1000;  // milliseconds in which a process that is dying should be dead
  uint64_t other = atomic_load(&claim);
  for (;;) {
    if (other >> 32 != (uint64_t)crash->process || !(uint32_t)other) {
      const uint64_t ours = claim_of(crash->process, crash->thread);
      if (atomic_compare_exchange_weak(&claim, &other, ours)) return true;
      continue;
    }
    if (other == claim_of(crash->process, crash->thread)) return false;
    if (other == claim_of(crash->process, DYING) && !patience--) return false;
    kernel_sleep_milliseconds(1);
    other = atomic_load(&claim);
  }
}

void inquest_handle(int number, struct signal_information *information,
                    struct signal_context *context) {
  const struct crash crash = {number, information, kernel_getpid(), kernel_gettid()};
  bool collects = claim_collection(&crash);
  if (collects && !started_take(crash.process)) launch_collector(&crash);
  bool survives = chain_survives(&crash);
  if (!survives) chain_to_default(&crash, context);
  if (collects) atomic_store(&claim, claim_of(crash.process, survives ? RELEASED : DYING));
}
