// SPDX-License-Identifier: Apache-2.0
// AAPCS64, section 6.1: x19 to x28, the frame pointer x29, the link register x30 and d8 to d15 are kept.

        .text
        .globl  coroutine_switch
        .type   coroutine_switch, %function
// x0: where to store the stack pointer; x1: the one to go on with.
coroutine_switch:
        .cfi_startproc
        sub     sp, sp, #160
        .cfi_adjust_cfa_offset 160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .cfi_endproc
        .size   coroutine_switch, . - coroutine_switch

        .globl  coroutine_begin
        .type   coroutine_begin, %function
// x19: the coroutine.
coroutine_begin:
        .cfi_startproc
        .cfi_undefined x30      // here its stack ends
        mov     x0, x19
        bl      coroutine_run
        brk     #1              // a coroutine that is done is never resumed
        .cfi_endproc
        .size   coroutine_begin, . - coroutine_begin

        .section .note.GNU-stack, "", %progbits
