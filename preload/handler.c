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

static void wait_for_claim(long process, long thread) {
  const uint64_t ours = (uint64_t)process << 32 | (uint32_t)thread;
  uint64_t other = atomic_load(&claim);
  for (;;) {
    // Another thread of this process collects. Most likely the process ends with it.
    if (other >> 32 == (uint64_t)process && (uint32_t)other) {
      kernel_sleep_milliseconds(1);
      other = atomic_load(&claim);
    } else if (atomic_compare_exchange_weak(&claim, &other, ours)) {
      return;
    }
  }
}

void inquest_handle(int number, struct signal_information *information,
                    struct signal_context *context) {
  const struct crash crash = {number, information, kernel_getpid(), kernel_gettid()};
  wait_for_claim(crash.process, crash.thread);
  if (!started_take(crash.process)) launch_collector(&crash);
  if (chain_survives(&crash))
    atomic_store(&claim, 0);
  else
    chain_to_default(&crash, context);
}
