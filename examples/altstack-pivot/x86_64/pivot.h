// SPDX-License-Identifier: Apache-2.0
// What the kernel puts on the stack when it delivers a signal on x86-64, and how to leave that
// stack. Layouts: struct rt_sigframe in arch/x86/include/asm/sigframe.h, asm/ucontext.h,
// asm/sigcontext.h.
#pragma once

#include <stdint.h>

enum { INFO_SIZE = 128, CONTEXT_SIZE = 304 };

// In the order in which the kernel writes it.
struct signal_frame {
  uint64_t return_address;  // the trampoline that calls rt_sigreturn
  unsigned char context[CONTEXT_SIZE];
  unsigned char info[INFO_SIZE];
  uint64_t alignment;
};

// `context` is a handler's third argument.
static inline uintptr_t stack_pointer_in(const void *context) {
  return *(const uint64_t *)((uintptr_t)context + 160);
}

// Below what the interrupted function may use: the red zone reaches 128 bytes below its stack
// pointer (System V ABI, AMD64, 3.2.2). A function is entered with its stack pointer 8 bytes off a
// multiple of 16.
static inline struct signal_frame *room_below(uintptr_t stack_pointer) {
  uintptr_t room = (stack_pointer - 128 - sizeof(struct signal_frame)) & ~(uintptr_t)15;
  return (struct signal_frame *)(room - 8);
}

// Leaves this stack: `handler` runs on the one where `frame` lies, as if the kernel had started it
// there. For a debugger the way back leads through the frame's trampoline to what was interrupted.
_Noreturn static inline void pivot(const struct signal_frame *frame, int number,
                                   void (*handler)(int, void *, void *)) {
  register uint64_t first __asm__("rdi") = (uint64_t)number;
  register uint64_t second __asm__("rsi") = (uint64_t)frame->info;
  register uint64_t third __asm__("rdx") = (uint64_t)frame->context;
  __asm__ volatile(
      "mov %[frame], %%rsp\n\t"
      "jmp *%[handler]"
      :
      : [frame] "a"(frame), [handler] "c"(handler), "r"(first), "r"(second), "r"(third)
      : "memory");
  __builtin_unreachable();
}
