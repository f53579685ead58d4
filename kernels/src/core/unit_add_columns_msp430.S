/* unit_add_columns of unit_loops.h; C reference: unit_add_columns.c.
 *
 * r4 columns           r5 term         r6 terms left           r7 2 * x (software)
 * r8 outputs left      r9 scratch      r10 2 * quotient        r11 acc
 * r12 step             r13 weight      r14 w                   r15 quotient
 */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef UNIT_MSP430_MPY

    .macro add_product at, next
    mov r14, &OP2
    add &RESLO, \at(r11)
    addc &RESHI, \next(r11)
    .endm

#else

/* As in unit_dot_msp430.S; a product fits 16 bits. */
    .macro add_product at, next
    rla r14
    mov r7, r9
    sub r14, r9
    add r7, r14
    mov unit_quarter_squares_msp430(r14), r14
    sub unit_quarter_squares_msp430(r9), r14
    mov r14, r9
    rla r9                          ; carry: the sign
    subc r9, r9
    inv r9
    add r14, \at(r11)
    addc r9, \next(r11)
    .endm

#endif

/* -quotient <= w <= quotient in one comparison */
    .macro add_one at, next
    mov.b @r13, r14
    ADDP r12, r13
    add.b r15, r14
    cmp.b r14, r10
    jhs 1f
    sub.b r15, r14
    sxt r14
    add_product \at, \next
1:
    .endm

    .macro add_some count
    .set at, 0
    .rept \count
    add_one at, at+2
    .set at, at + 4
    .endr
    ADDP #(4 * \count), r11
    .endm

    function unit_add_columns_msp430
    save
    MOVP r12, r4
    MOVP COLUMNS_TERM(r4), r5
    mov COLUMNS_COUNT(r4), r6
    MOVP COLUMNS_STEP(r4), r12
.Lcolumns:
    mov @r5+, r15
    mov @r5+, r14
    mov @r5+, r9
    cmp #128, r15
    jlo .Lcolumns_add
    JUMP #.Lcolumns_next
.Lcolumns_add:
    MOVP COLUMNS_WEIGHT(r4), r13
    ADDP r14, r13
    MOVP COLUMNS_ACC(r4), r11
    mov COLUMNS_OUTPUTS(r4), r8
    mov r15, r10
    rla r10
#ifdef UNIT_MSP430_MPY
    lock
    mov r9, &MPYS
#else
    mov r9, r7
    rla r7
#endif
    sub #16, r8
    jn .Lcolumn_below_16
.Lcolumn_16:
    add_some 16
    sub #16, r8
    jge .Lcolumn_16
.Lcolumn_below_16:
    add #12, r8
    jn .Lcolumn_below_4
.Lcolumn_4:
    add_some 4
    sub #4, r8
    jge .Lcolumn_4
.Lcolumn_below_4:
    add #4, r8
    jz .Lcolumns_end
.Lcolumn_1:
    add_some 1
    dec r8
    jnz .Lcolumn_1
.Lcolumns_end:
#ifdef UNIT_MSP430_MPY
    unlock
#endif
.Lcolumns_next:
    dec r6
    jz .Lcolumns_last
    JUMP #.Lcolumns
.Lcolumns_last:
    restore
    RET
#endif
