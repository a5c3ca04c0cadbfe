// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

// SI_USER, SI_QUEUE, SI_TKILL, …: none of the kernel's own codes (sigaction(2)) is below 1.
static bool was_sent(const struct crash *crash) { return crash->information->code <= 0; }

bool chain_survives(const struct crash *crash) { return crash->process == 1 && was_sent(crash); }

// With what the kernel or the sender had said of it, which anybody may tell itself
// (rt_tgsigqueueinfo(2)). Blocked until the handler returns.
static bool raise_again(const struct crash *crash) {
  return raw_syscall(NUMBER_RT_TGSIGQUEUEINFO, crash->process, crash->thread, crash->number,
                     (long)crash->information, 0, 0) == 0 ||
         raw_syscall(NUMBER_TGKILL, crash->process, crash->thread, crash->number, 0, 0, 0) == 0;
}

// Whatever else has come meanwhile would not have been seen by a dead process: it stays blocked.
void chain_to_default(const struct crash *crash, struct signal_context *context) {
  const struct kernel_action standard = {.handler = ACTION_DEFAULT};
  const signal_set all = ~(signal_set)0;
  bool reset = kernel_sigaction(crash->number, &standard, NULL) == 0;
  // A fault is not raised again but happens again, so that the kernel logs it as it does without
  // us, and that it kills the init of a PID namespace, which a signal that was raised would not.
  // One whose signal is blocked kills even where a filter refuses to restore the default action.
  if (!was_sent(crash) && machine_repeats(crash->information, context)) {
    context->mask = all;
  } else if (reset && raise_again(crash)) {
    context->mask = all & ~set_of(crash->number);
  } else {
    // A filter refuses everything. Another fault is better than to go on, or round in circles.
    context->instruction = 0;
    context->mask = all;
  }
}
