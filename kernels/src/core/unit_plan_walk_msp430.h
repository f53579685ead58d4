/* Internal: structs, stack and products of unit_plan_walk_msp430.S, which lists the registers. */
#ifndef UNIT_PLAN_WALK_MSP430_H_
#define UNIT_PLAN_WALK_MSP430_H_

#include "unit_msp430.h"

/* clang-format off */

/* On the stack. */
#define FRAME_X 0
#define FRAME_REST 2 /* entries of the list that do not count */
#define FRAME_CLASSES 4
#define FRAME_OFFSET 6
#define FRAME_POSITIONS 8
#define FRAME_PASSED 10
#ifdef __MSP430X_LARGE__
#define FRAME_CRITICAL 12 /* bytes from a weight to its critical magnitude; 0: none */
#define FRAME_ACC 16
#define FRAME_ROW 20
#define FRAME_ROW_END 24
#define FRAME_INPUT 28 /* these three: of the activation that is walked */
#define FRAME_COUNT 32
#define FRAME_FIRST 36
#define FRAME_PLAN 40
#define FRAME_CLASS_OF 44
#define FRAME_PASSED_COUNTS 48
#define FRAME_INPUT_END 52
#define FRAME_NEXT 56 /* where to go on after a list */
#define FRAME_SIZE 60
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
#define FRAME_ROW 16
#define FRAME_ROW_END 18
#define FRAME_INPUT 20
#define FRAME_COUNT 22
#define FRAME_FIRST 24
#define FRAME_PLAN 26
#define FRAME_CLASS_OF 28
#define FRAME_PASSED_COUNTS 30
#define FRAME_INPUT_END 32
#define FRAME_NEXT 34
#define FRAME_SIZE 36
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

/* The sign of a product is known: adding it seldom changes the upper word of an accumulator. */
#ifdef UNIT_MSP430_MPY
/* r12: x. r4: x, r5: acc of the position */
    .macro begin_x
    mov r12, FRAME_X(r1)
    mov r12, r4
    MOVP FRAME_ACC(r1), r5
    .endm

    .macro add_position
    ADDP r5, r6
    .endm

    .macro begin_entries
    tst r4
    jl .Lnegative_x
    lock
    mov r4, &MPYS
    .endm

    .macro end_entries
    unlock
    .endm

    .macro keep_rest                ; r12: entries
    mov r12, r9
    .endm

    .macro pass_rest
    ADDP r9, r10
    ADDP r9, r11
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
    add &RESLO, 0(r13)
    .endm
#else
    .macro add_position
    MOVP FRAME_ACC(r1), r13
    ADDP r13, r6
    .endm

    .macro begin_x
    mov r12, FRAME_X(r1)
    rla r12
    mov #unit_quarter_squares_msp430, r4
    mov r4, r5
    add r12, r4
    sub r12, r5
    .endm

    .macro begin_entries
    .endm

    .macro end_entries
    .endm

    .macro keep_rest
    mov r12, FRAME_REST(r1)
    .endm

    .macro pass_rest
    mov FRAME_REST(r1), r12
    ADDP r12, r10
    ADDP r12, r11
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
