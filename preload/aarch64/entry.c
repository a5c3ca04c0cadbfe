// SPDX-License-Identifier: Apache-2.0
#include "../entry.h"

#include "machine.h"

__asm__(
    ".pushsection .text\n"
    ".balign 16\n"
    ".globl inquest_entries\n"
    ".hidden inquest_entries\n"
    "inquest_entries:\n"
    ".rept 64\n"
    "  b inquest_handle\n"
    "  .balign 8\n"
    ".endr\n"

    // long clone_onto(flags, stack, function, argument)
    ".balign 16\n"
    ".globl clone_onto\n"
    ".hidden clone_onto\n"
    ".type clone_onto, @function\n"
    "clone_onto:\n"
    ".cfi_startproc\n"
    "  stp x2, x3, [x1, #-16]!\n"
    "  mov x2, xzr\n"
    "  mov x3, xzr\n"
    "  mov x4, xzr\n"
    "  mov x8, #220\n"
    "  svc 0\n"
    "  cbz x0, 1f\n"
    "  ret\n"
    "1: mov x29, xzr\n"
    "  mov x30, xzr\n"
    "  ldp x1, x0, [sp], #16\n"
    "  blr x1\n"
    "  brk #1\n"
    ".cfi_endproc\n"
    ".size clone_onto, . - clone_onto\n"
    ".popsection\n");

_Static_assert(offsetof(struct signal_context, mask) == 40, "as the kernel lays it out");
_Static_assert(offsetof(struct signal_context, instruction) == 440, "as the kernel lays it out");

enum { FROM_KERNEL = 0x80, MEMORY_ERROR_ELSEWHERE = 5 };  // SI_KERNEL, BUS_MCEERR_AO
enum { BREAKPOINT = 1, TAG_CHECK_DELAYED = 8 };           // TRAP_BRKPT, SEGV_MTEAERR
enum { SUPERVISOR_CALL = 0xd4000001u };                   // svc 0

bool machine_repeats(const struct signal_information *information, struct signal_context *context) {
  bool vague = information->code == FROM_KERNEL;
  uint32_t before;
  switch (information->number) {
    case BAD_MEMORY: return !vague && information->code != TAG_CHECK_DELAYED;
    case BUS_ERROR: return !vague && information->code != MEMORY_ERROR_ELSEWHERE;
    case ILLEGAL_INSTRUCTION:
    case ARITHMETIC_ERROR: return !vague;
    case TRAP: return information->code == BREAKPOINT;
    case BAD_SYSTEM_CALL:
      // Of a filter's SECCOMP_RET_TRAP: x8 still has the call's number, the kernel put x0 back.
      if (!kernel_read_memory(context->instruction - 4, &before, sizeof before)) return false;
      if (before != SUPERVISOR_CALL) return false;
      context->instruction -= 4;
      return true;
    default: return false;
  }
}
