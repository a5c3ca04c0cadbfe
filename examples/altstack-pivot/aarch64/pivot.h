// SPDX-License-Identifier: Apache-2.0
// What the kernel puts on the stack when it delivers a signal on AArch64, and how to leave that
// stack. Layouts: struct rt_sigframe in arch/arm64/kernel/signal.c, asm/ucontext.h,
// asm/sigcontext.h.
#pragma once

#include <stdint.h>

enum { INFO_SIZE = 128, CONTEXT_SIZE = 4560 };

// In the order in which the kernel writes it; the trampoline's address is then in x30.
struct signal_frame {
  unsigned char info[INFO_SIZE];
  unsigned char context[CONTEXT_SIZE];
  uint64_t return_address;
  uint64_t alignment;
};

// `context` is a handler's third argument.
static inline uintptr_t stack_pointer_in(const void *context) {
  return *(const uint64_t *)((uintptr_t)context + 432);
}

// Linux has no red zone here (AAPCS64, 6.4.5); the stack pointer is always a multiple of 16.
static inline struct signal_frame *room_below(uintptr_t stack_pointer) {
  return (struct signal_frame *)((stack_pointer - sizeof(struct signal_frame)) & ~(uintptr_t)15);
}

// Leaves this stack: `handler` runs on the one where `frame` lies, as if the kernel had started it
// there. For a debugger the way back leads through the trampoline to what was interrupted.
_Noreturn static inline void pivot(const struct signal_frame *frame, int number,
                                   void (*handler)(int, void *, void *)) {
  register uint64_t first __asm__("x0") = (uint64_t)number;
  register uint64_t second __asm__("x1") = (uint64_t)frame->info;
  register uint64_t third __asm__("x2") = (uint64_t)frame->context;
  register uint64_t back __asm__("x30") = frame->return_address;
  __asm__ volatile(
      "mov sp, %[frame]\n\t"
      "br %[handler]"
      :
      : [frame] "r"(frame), [handler] "r"(handler), "r"(first), "r"(second), "r"(third), "r"(back)
      : "memory");
  __builtin_unreachable();
}
