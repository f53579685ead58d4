/* unit_add_columns of unit_loops.h; C reference: unit_add_columns.c.
 *
 * r4 columns           r5 term         r6 terms left           r7 2 * x (software)
 * r8 blocks left       r9 scratch      r10 2 * quotient        r11 acc
 * r12 step             r13 weight      r14 w                   r15 quotient
 */
#ifdef __MSP430__
#include "unit_msp430.h"

/* On the stack. */
#ifdef __MSP430X_LARGE__
#define FRAME_BLOCKS 8
#define FRAME_START 4
#define FRAME_START_AFTER_PUSH 6
#else
#define FRAME_BLOCKS 4
#define FRAME_START 2
#define FRAME_START_AFTER_PUSH 4
#endif
#define FRAME_ACC 0
#if defined(UNIT_MSP430_MPY) && !defined(UNIT_MSP430_KEEP_INTERRUPTS)
#define FRAME_START_LOCKED FRAME_START_AFTER_PUSH
#else
#define FRAME_START_LOCKED FRAME_START
#endif

#ifdef UNIT_MSP430_MPY

#define ADD_ONE_BYTES 30 /* of code: add_one */
    .macro add_product at, next
    mov r14, &OP2
    add &RESLO, \at(r11)
    addc &RESHI, \next(r11)
    .endm

#else

#define ADD_ONE_BYTES 46
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

    function unit_add_columns_msp430
    save
    MOVP r12, r4
    MOVP COLUMNS_TERM(r4), r5
    mov COLUMNS_COUNT(r4), r6
    MOVP COLUMNS_STEP(r4), r12
/* Outputs are taken in blocks of 16; the first block starts with as many as the others leave. */
    mov COLUMNS_OUTPUTS(r4), r8
    mov r8, r10
    add #15, r8
    rra r8
    rra r8
    rra r8
    rra r8                          ; blocks
    MOVP COLUMNS_ACC(r4), r11
    MOVP #.Lcolumns_block, r13
.Lcolumns_start:
    bit #15, r10
    jz .Lcolumns_frame
    SUBP #4, r11
    ADDP #ADD_ONE_BYTES, r13
    inc r10
    jmp .Lcolumns_start
.Lcolumns_frame:
    SUBP #(2 * POINTER + 2), r1
    MOVP r11, FRAME_ACC(r1)
    MOVP r13, FRAME_START(r1)
    mov r8, FRAME_BLOCKS(r1)
.Lcolumns:
    mov @r5+, r15
    mov @r5+, r14
    cmp #128, r15
    jhs .Lcolumns_skip
    MOVP COLUMNS_WEIGHT(r4), r13
    ADDP r14, r13
    MOVP FRAME_ACC(r1), r11
    mov FRAME_BLOCKS(r1), r8
    mov r15, r10
    rla r10
#ifdef UNIT_MSP430_MPY
    lock
    move_next 5, MPYS
#else
    mov @r5+, r7
    rla r7
#endif
    MOVP FRAME_START_LOCKED(r1), r14
    JUMP r14
.Lcolumns_skip:
    ADDP #2, r5
    dec r6
    jnz .Lcolumns
.Lcolumns_end:
    ADDP #(2 * POINTER + 2), r1
    restore
    RET
.Lcolumns_block:
    .set at, 0
    .rept 16
    add_one at, at+2
    .set at, at + 4
    .endr
    ADDP #64, r11
    dec r8
    jz .Lcolumns_next
    JUMP #.Lcolumns_block
.Lcolumns_next:
#ifdef UNIT_MSP430_MPY
    unlock
#endif
    dec r6
    jz .Lcolumns_last
    JUMP #.Lcolumns
.Lcolumns_last:
    JUMP #.Lcolumns_end
#endif
