// SPDX-License-Identifier: Apache-2.0
// What a signal's context holds on x86-64 (arch/x86/include/uapi/asm/sigcontext.h, ucontext.h), and
// the few routines that C cannot say. Mirrored, name for name, in aarch64/machine.h.
#ifndef INQUEST_MACHINE_H
#define INQUEST_MACHINE_H

#include "../signals.h"

struct signal_context {
  unsigned long flags;
  void *link;
  struct signal_stack stack;
  uint64_t general[16], instruction, processor_flags;
  uint16_t segments[4];
  uint64_t error, trap, old_mask, fault_address;
  void *vector_state;
  uint64_t reserved[8];
  signal_set mask;  // that of the interrupted code
};

// The kernel demands a restorer here. With glibc's very bytes: unwinders know it by them.
extern void inquest_restorer(void) __attribute__((visibility("hidden")));
#define MACHINE_RESTORER inquest_restorer
#define MACHINE_RESTORER_FLAG WITH_RESTORER

// Turns the context back so that the instruction which raised the signal is executed again. False
// where that is not known to raise it again.
bool machine_repeats(const struct signal_information *information, struct signal_context *context);

#endif
