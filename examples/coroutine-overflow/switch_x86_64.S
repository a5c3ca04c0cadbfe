// SPDX-License-Identifier: Apache-2.0
// System V ABI for x86-64, section 3.2.1: rbx, rbp and r12 to r15 belong to the caller, as do the control bits of
// the floating-point units, which nothing here changes. The .cfi lines let a debugger walk a coroutine that waits.

        .text
        .globl  coroutine_switch
        .type   coroutine_switch, @function
// rdi: where to store the stack pointer; rsi: the one to go on with.
coroutine_switch:
        .cfi_startproc
        .irp    register, rbp, rbx, r15, r14, r13, r12
        push    %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endr
        // Slots 0 to 5 from the top: r12, r13, r14, r15, rbx, rbp; then the return address.
        mov     %rsp, (%rdi)
        mov     %rsi, %rsp
        .irp    register, r12, r13, r14, r15, rbx, rbp
        pop     %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endr
        ret
        .cfi_endproc
        .size   coroutine_switch, . - coroutine_switch

        .globl  coroutine_begin
        .type   coroutine_begin, @function
// r12: the coroutine.
coroutine_begin:
        .cfi_startproc
        .cfi_undefined rip      // here its stack ends
        mov     %r12, %rdi
        call    coroutine_run
        ud2                     // a coroutine that is done is never resumed
        .cfi_endproc
        .size   coroutine_begin, . - coroutine_begin

        .section .note.GNU-stack, "", @progbits
