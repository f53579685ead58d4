/* unit_expand and unit_collect of unit_loops.h; C reference: unit_gather.c. */
#ifdef __MSP430__
#include "unit_msp430.h"

/* r12: input, r13: count, r14: offset, r15: to */
    .macro expand_one at
    mov.b @r12+, r11
    sxt r11
    add r14, r11
    mov r11, \at(r15)
    .endm

    function unit_expand_msp430
    sub #4, r13
    jn .Lexpand_rest
.Lexpand_four:
    expand_one 0
    expand_one 2
    expand_one 4
    expand_one 6
    ADDP #8, r15
    sub #4, r13
    jge .Lexpand_four
.Lexpand_rest:
    add #4, r13
    jz .Lexpand_end
.Lexpand_one:
    expand_one 0
    ADDP #2, r15
    dec r13
    jnz .Lexpand_one
.Lexpand_end:
    RET

/* As above; r11: index of the weight. */
    .macro collect_one
    mov.b @r12+, r10
    sxt r10
    add r14, r10
    jz 2f
    mov r11, 2(r15)
    mov r10, 4(r15)
    jge 1f                          ; mov leaves the flags of add
    inv r10
    inc r10
1:  dec r10
    mov r10, 0(r15)
    ADDP #6, r15
2:  inc r11
    .endm

    function unit_collect_msp430
    PUSHP r10
    mov 2(r15), r11
    sub #4, r13
    jn .Lcollect_rest
.Lcollect_four:
    .rept 4
    collect_one
    .endr
    sub #4, r13
    jge .Lcollect_four
.Lcollect_rest:
    add #4, r13
    jz .Lcollect_end
.Lcollect_one:
    collect_one
    dec r13
    jnz .Lcollect_one
.Lcollect_end:
    MOVP r15, r12
    POPP r10
    RET
#endif
