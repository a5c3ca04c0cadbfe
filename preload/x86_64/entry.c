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

// Vectors of which the kernel says more.
enum { DIVISION = 0, INVALID = 6, PAGE_FAULT = 14, FLOAT = 16, ALIGNMENT = 17, VECTOR_FLOAT = 19 };

// Memory that another thread has mapped meanwhile would let a dead process live on.
static bool is_still_there(const struct signal_information *information,
                           const struct signal_context *context) {
  enum { NOT_MAPPED = 1 };  // SEGV_MAPERR
  if (context->trap != PAGE_FAULT || context->fault_address != (uintptr_t)information->address)
    return false;
  return information->code != NOT_MAPPED || !kernel_is_mapped(context->fault_address);
}

// What a process has queued to itself may say anything: the processor's words have to agree.
bool machine_repeats(const struct signal_information *information, struct signal_context *context) {
  bool vague = information->code == FROM_KERNEL;
  bool is_here = (uintptr_t)information->address == context->instruction;
  switch (information->number) {
    case BAD_MEMORY:
      if (!vague) return is_still_there(information, context);
      if (context->trap == GENERAL_PROTECTION) return true;
      return context->trap == OVERFLOW && step_back(BAD_MEMORY, context);
    case BUS_ERROR:
      if (vague) return context->trap == STACK_FAULT || context->trap == SEGMENT_NOT_PRESENT;
      if (information->code == MEMORY_ERROR_ELSEWHERE) return false;
      return context->trap == PAGE_FAULT || context->trap == ALIGNMENT;
    case ILLEGAL_INSTRUCTION: return !vague && is_here && context->trap == INVALID;
    case ARITHMETIC_ERROR:
      return !vague && is_here &&
             (context->trap == DIVISION || context->trap == FLOAT || context->trap == VECTOR_FLOAT);
    case TRAP: return step_back(TRAP, context);
    case BAD_SYSTEM_CALL: return is_here && step_back(BAD_SYSTEM_CALL, context);
    default: return false;
  }
}
