/* unit_take_larger of unit_loops.h; C reference: unit_take_larger.c. */
#ifdef __MSP430__
#include "unit_msp430.h"

/* r12: input, r13: count, r14: to */
    .macro take_larger_one at
    mov.b @r12+, r15
    cmp.b \at(r14), r15
    jl 1f
    mov.b r15, \at(r14)
1:
    .endm

    function unit_take_larger_msp430
    SUBP #8, r13
    jl .Ltake_rest
.Ltake_eight:
    .irp at, 0,1,2,3,4,5,6,7
    take_larger_one \at
    .endr
    ADDP #8, r14
    SUBP #8, r13
    jge .Ltake_eight
.Ltake_rest:
    ADDP #8, r13
    jeq .Ltake_end
    bit #1, r13
    jz .Ltake_two
    take_larger_one 0
    ADDP #1, r14
    SUBP #1, r13
    jeq .Ltake_end
.Ltake_two:
    take_larger_one 0
    take_larger_one 1
    ADDP #2, r14
    SUBP #2, r13
    jne .Ltake_two
.Ltake_end:
    RET
#endif
