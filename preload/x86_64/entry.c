// SPDX-License-Identifier: Apache-2.0
#include "../entry.h"

#include "machine.h"

// The byte before the restorer belongs to nobody: an unwinder looks up the byte before a return
// address, and must not find the function that happens to lie there.
__asm__(
    ".pushsection .text\n"
    ".balign 16\n"
    "nop\n"
    ".globl inquest_restorer\n"
    ".hidden inquest_restorer\n"
    ".type inquest_restorer, @function\n"
    "inquest_restorer:\n"
    "  mov $15, %rax\n"  // rt_sigreturn
    "  syscall\n"
    ".size inquest_restorer, . - inquest_restorer\n"

    ".balign 16\n"
    ".globl inquest_entries\n"
    ".hidden inquest_entries\n"
    "inquest_entries:\n"
    ".rept 64\n"
    "  jmp inquest_handle\n"
    "  .balign 8\n"
    ".endr\n"

    // long clone_onto(flags, stack, function, argument)
    ".balign 16\n"
    ".globl clone_onto\n"
    ".hidden clone_onto\n"
    ".type clone_onto, @function\n"
    "clone_onto:\n"
    ".cfi_startproc\n"
    "  lea -16(%rsi), %rsi\n"
    "  mov %rdx, (%rsi)\n"
    "  mov %rcx, 8(%rsi)\n"
    "  xor %edx, %edx\n"
    "  xor %r10d, %r10d\n"
    "  xor %r8d, %r8d\n"
    "  mov $56, %eax\n"
    "  syscall\n"
    "  test %rax, %rax\n"
    "  jz 1f\n"
    "  ret\n"
    "1: xor %ebp, %ebp\n"
    "  pop %rax\n"
    "  pop %rdi\n"
    "  call *%rax\n"
    "  ud2\n"
    ".cfi_endproc\n"
    ".size clone_onto, . - clone_onto\n"
    ".popsection\n");

_Static_assert(offsetof(struct signal_context, instruction) == 168, "as the kernel lays it out");
_Static_assert(offsetof(struct signal_context, mask) == 296, "as the kernel lays it out");

// Vectors of exceptions (Intel SDM, volume 3, 6.3.1) of which the kernel says no more than
// SI_KERNEL. All but the first leave the instruction pointer on the instruction.
enum { OVERFLOW = 4, SEGMENT_NOT_PRESENT = 11, STACK_FAULT = 12, GENERAL_PROTECTION = 13 };

enum { FROM_KERNEL = 0x80, MEMORY_ERROR_ELSEWHERE = 5 };  // SI_KERNEL, BUS_MCEERR_AO

// Those that leave it behind the instruction: int3, int $3, icebp; int $4; syscall.
static const struct trapping {
  uint8_t number, length, bytes[2];
} trapping[] = {
    {TRAP, 1, {0xcc}},
    {TRAP, 2, {0xcd, 0x03}},
    {TRAP, 1, {0xf1}},
    {BAD_MEMORY, 2, {0xcd, 0x04}},
    {BAD_SYSTEM_CALL, 2, {0x0f, 0x05}},  // the kernel has put the call's number back into rax
};

// The kernel reads the bytes for us: it may be that they cannot be read.
static bool step_back(int number, struct signal_context *context) {
  for (size_t i = 0; i < sizeof trapping / sizeof *trapping; i++) {
    const struct trapping *known = &trapping[i];
    uint8_t bytes[2] = {0, 0};
    uintptr_t start = context->instruction - known->length;
    if (known->number != number || !kernel_read_memory(start, bytes, known->length)) continue;
    if (bytes[0] != known->bytes[0] || bytes[1] != known->bytes[1]) continue;
    context->instruction = start;
    return true;
  }
  return false;
}

bool machine_repeats(const struct signal_information *information, struct signal_context *context) {
  bool vague = information->code == FROM_KERNEL;
  switch (information->number) {
    case BAD_MEMORY:
      if (!vague || context->trap == GENERAL_PROTECTION) return true;
      return context->trap == OVERFLOW && step_back(BAD_MEMORY, context);
    case BUS_ERROR:
      if (vague) return context->trap == STACK_FAULT || context->trap == SEGMENT_NOT_PRESENT;
      return information->code != MEMORY_ERROR_ELSEWHERE;
    case ILLEGAL_INSTRUCTION:
    case ARITHMETIC_ERROR: return !vague;
    case TRAP:
    case BAD_SYSTEM_CALL: return step_back(information->number, context);
    default: return false;
  }
}
