/* Internal: structs, stack and products of unit_plan_walk_msp430.S and
 * unit_plan_walk_inputs_msp430.S; unit_plan_list_msp430.h walks a list.
 *
 * While a list is walked:
 * r4 r5 squares (software), or entries that do not count and RESLO
 * r6 acc             r7 at a count        r8 2 * entries left   r9 scratch (software), or classes
 * r10 weight         r11 at               r12 r13 scratch        r14 row, or input
 * r15 at the length (rows), or class_of
 */
#ifndef UNIT_PLAN_WALK_MSP430_H_
#define UNIT_PLAN_WALK_MSP430_H_

#include "unit_msp430.h"

/* clang-format off */

/* On the stack. */
#define FRAME_X 0
#define FRAME_REST 2   /* entries of the list that do not count (software) */
#define FRAME_STATUS 2 /* (hardware) */
#define FRAME_CLASSES 4
#define FRAME_OFFSET 6
#define FRAME_POSITIONS 8
#define FRAME_PASSED 10
#ifdef __MSP430X_LARGE__
#define FRAME_CRITICAL 12 /* bytes from a weight to its critical magnitude; 0: none */
#define FRAME_ACC 16
#define FRAME_INPUT_END 20
#define FRAME_NEXT 24  /* where to go on after a list */
#define FRAME_INPUT 28 /* these three: of the activation that is walked */
#define FRAME_COUNT 32
#define FRAME_FIRST 36
#define FRAME_PLAN 40
#define FRAME_PASSED_COUNTS 44
#define FRAME_SIZE 48
#define ROW_INPUT 0
#define ROW_CLASS_OF 4
#define ROW_WEIGHT 8
#define ROW_AT 12
#define ROW_CRITICAL 16
#define ROW_COUNT 20
#define ROW_FIRST 24
#define ROW_ROW 28
#define ROW_ACC 32
#define ROW_INPUT_STEP 36
#define ROW_COUNT_STEP 40
#define ROW_ACC_STEP 44
#define ROW_POSITIONS 46
#define ROW_CHANNELS 48
#define ROW_PASSED 50
#define ROW_LISTS 52
#define ROW_CLASSES 54
#define ROW_OFFSET 56
#define INPUTS_INPUT 0
#define INPUTS_END 4
#define INPUTS_CLASS_OF 8
#define INPUTS_WEIGHT 12
#define INPUTS_AT 16
#define INPUTS_CRITICAL 20
#define INPUTS_COUNT 24
#define INPUTS_ACC 28
#define INPUTS_CLASSES 32
#define INPUTS_OFFSET 34
#else
#define FRAME_CRITICAL 12
#define FRAME_ACC 14
#define FRAME_INPUT_END 16
#define FRAME_NEXT 18
#define FRAME_INPUT 20
#define FRAME_COUNT 22
#define FRAME_FIRST 24
#define FRAME_PLAN 26
#define FRAME_PASSED_COUNTS 28
#define FRAME_SIZE 30
#define ROW_INPUT 0
#define ROW_CLASS_OF 2
#define ROW_WEIGHT 4
#define ROW_AT 6
#define ROW_CRITICAL 8
#define ROW_COUNT 10
#define ROW_FIRST 12
#define ROW_ROW 14
#define ROW_ACC 16
#define ROW_INPUT_STEP 18
#define ROW_COUNT_STEP 20
#define ROW_ACC_STEP 22
#define ROW_POSITIONS 24
#define ROW_CHANNELS 26
#define ROW_PASSED 28
#define ROW_LISTS 30
#define ROW_CLASSES 32
#define ROW_OFFSET 34
#define INPUTS_INPUT 0
#define INPUTS_END 2
#define INPUTS_CLASS_OF 4
#define INPUTS_WEIGHT 6
#define INPUTS_AT 8
#define INPUTS_CRITICAL 10
#define INPUTS_COUNT 12
#define INPUTS_ACC 14
#define INPUTS_CLASSES 16
#define INPUTS_OFFSET 18
#endif

/* Adds and compares a pointer of the frame, and jumps to it; ADDP and CMPP of MSP430X know registers
 * only. */
#ifdef __MSP430X_LARGE__
    .macro add_frame at, register
    mova \at(r1), r12
    adda r12, \register
    .endm

    .macro compare_frame at, register
    mova \at(r1), r12
    cmpa r12, \register
    .endm

    .macro jump_frame at
    mova \at(r1), r0
    .endm
#else
    .macro add_frame at, register
    add \at(r1), \register
    .endm

    .macro compare_frame at, register
    cmp \at(r1), \register
    .endm

    .macro jump_frame at
    br \at(r1)
    .endm
#endif

/* `lock` and `unlock` with the status register of the beginning. */
#if defined(UNIT_MSP430_MPY) && !defined(UNIT_MSP430_KEEP_INTERRUPTS)
    .macro begin_locks
    mov r2, FRAME_STATUS(r1)
    .endm

    .macro lock_walk                ; from the instruction after the next one on
    dint
    .endm

    .macro unlock_walk
    bis FRAME_STATUS(r1), r2
    nop
    .endm
#else
    .macro begin_locks
    .endm

    .macro lock_walk
    .endm

    .macro unlock_walk
    .endm
#endif

/* The sign of a product is known: adding it seldom changes the upper word of an accumulator. */
#ifdef UNIT_MSP430_MPY
#define SPARE r4 /* until list_counts */

/* What all lists share. */
    .macro begin_walk
    mov #RESLO, r5
    mov FRAME_CLASSES(r1), r9
    .endm

/* r12: x */
    .macro begin_x
    mov r12, FRAME_X(r1)
    .endm

    .macro next_counts register
    ADDP r9, \register
    .endm

/* Of a list whose length is at \length, r8 entries count. */
    .macro keep_rest length
    mov.b @\length, r4
    sub r8, r4
    .endm

    .macro pass_rest
    ADDP r4, r10
    ADDP r4, r11
    .endm

    .macro load_x
    mov FRAME_X(r1), &MPYS
    .endm

    .macro entry negative           ; where x > 0
    mov.b @r10+, r12
    sxt r12
    mov r12, &OP2
    mov.b @r11+, r13
    jn \negative
    .endm

    .macro add_product
    ADDP r6, r13
    add @r5, 0(r13)
    .endm

/* The r8 entries of a list where x is negative; passes the rest. */
    .macro walk_negative_x
    tst r8
    jz 2f
    lock_walk
    nop
    load_x
1:  mov.b @r10+, r12
    sxt r12
    mov r12, &OP2
    mov.b @r11+, r13
    ADDP r6, r13
    add @r5, 0(r13)
    addc &RESHI, 2(r13)
    dec r8
    jnz 1b
    unlock_walk
2:  pass_rest
    .endm
#else
#define SPARE r9

    .macro begin_walk
    .endm

    .macro begin_x
    mov r12, FRAME_X(r1)
    rla r12
    mov #unit_quarter_squares_msp430, r4
    mov r4, r5
    add r12, r4
    sub r12, r5
    .endm

    .macro next_counts register
    mov FRAME_CLASSES(r1), r12
    ADDP r12, \register
    .endm

    .macro keep_rest length
    mov.b @\length, r12
    sub r8, r12
    mov r12, FRAME_REST(r1)
    .endm

    .macro pass_rest
    mov FRAME_REST(r1), r12
    ADDP r12, r10
    ADDP r12, r11
    .endm

    .macro load_x
    .endm

/* As in unit_dot_msp430.S; a product fits 16 bits. */
    .macro entry negative
    mov.b @r10+, r12
    sxt r12
    rla r12
    mov r12, r9
    add r4, r12
    add r5, r9
    mov @r12, r12
    mov.b @r11+, r13
    ADDP r6, r13
    sub @r9, r12
    jn \negative
    .endm

    .macro add_product
    add r12, 0(r13)
    .endm

#endif

/* clang-format on */

#endif /* UNIT_PLAN_WALK_MSP430_H_ */
