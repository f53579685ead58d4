/* Shift helpers of the MSP430 EABI (SLAA534 section 6.3) that clang calls: R13:R12 by R14, which is
 * 0..31; 16 bits at once when there are that many. */
#include "function.h"

    .macro shift name, sixteen1, sixteen2, one1, one2, carry
    function \name
    cmp #16, r14
    jlo .L\name
    \sixteen1
    \sixteen2
    sub #16, r14
.L\name:
    tst r14
    jz .L\name\()_end
.L\name\()_bit:
    \carry
    \one1
    \one2
    dec r14
    jnz .L\name\()_bit
.L\name\()_end:
    ret
    .endm

    shift __mspabi_slll, "mov r12, r13", "clr r12", "rla r12", "rlc r13", ""
    shift __mspabi_srll, "mov r13, r12", "clr r13", "rrc r13", "rrc r12", "clrc"

    function __mspabi_sral
    cmp #16, r14
    jlo .Lsral
    mov r13, r12
    rla r13
    subc r13, r13                   ; carry - 1
    inv r13                         ; 0 or -1: the sign
    sub #16, r14
.Lsral:
    tst r14
    jz .Lsral_end
.Lsral_bit:
    rra r13
    rrc r12
    dec r14
    jnz .Lsral_bit
.Lsral_end:
    ret
