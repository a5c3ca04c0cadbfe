// SPDX-License-Identifier: Apache-2.0
// What a signal's context holds on AArch64 (arch/arm64/include/uapi/asm/sigcontext.h, ucontext.h),
// and the few routines that C cannot say. Mirrored, name for name, in x86_64/machine.h.
#ifndef INQUEST_MACHINE_H
#define INQUEST_MACHINE_H

#include "../signals.h"

struct signal_context {
  unsigned long flags;
  void *link;
  struct signal_stack stack;
  signal_set mask;  // that of the interrupted code
  uint8_t unused[1024 / 8 - sizeof(signal_set)];
  uint64_t fault_address __attribute__((aligned(16)));
  uint64_t general[31], stack_pointer, instruction, processor_state;
};

// The kernel returns through the vDSO.
#define MACHINE_RESTORER NULL
#define MACHINE_RESTORER_FLAG 0

// Turns the context back so that the instruction which raised the signal is executed again. False
// where that is not known to raise it again.
bool machine_repeats(const struct signal_information *information, struct signal_context *context);

#endif
