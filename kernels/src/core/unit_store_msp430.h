/* Internal: stack and products of unit_store_msp430.S, which lists the registers. */
#ifndef UNIT_STORE_MSP430_H_
#define UNIT_STORE_MSP430_H_

#include "unit_msp430.h"

/* clang-format off */

/* On the stack. The shift comes first: it is the stack argument of unit_requantize. */
#define FRAME_SHIFT 0
#define FRAME_MULTIPLIER 2
#define FRAME_MULTIPLIER_HIGH 4
#define FRAME_BIAS 6
#define FRAME_BIAS_HIGH 8
#define FRAME_SKIP 10       /* bytes of code, see `scale` */
#define FRAME_LEFT 12       /* 7 - e, for e < 7 */
#define FRAME_HALF 14       /* 2^8 * (1/2 + 2^(-1 - e)) for e < 7, else 2^8 * 1/2 */
#define FRAME_OFFSET 16
#define FRAME_MAX 18
#define FRAME_LOW 20        /* outputs below this... */
#define FRAME_FLOOR 22      /* ...become this */
#define FRAME_IS_RELU 24    /* whether sums < 0 do so in any case */
#define FRAME_COUNT 26      /* channels left */
#define FRAME_POSITIONS 28
#define FRAME_POSITIONS_LEFT 30
#ifdef __MSP430X_LARGE__
#define FRAME_STEP 32
#define FRAME_OUTPUT 36
#define FRAME_AT 40         /* 4 * channel */
#define FRAME_NEXT 44       /* where to go on when r5 has reached r4 */
#define FRAME_ACC_STEP 48   /* bytes, without those of one accumulator */
#define FRAME_ACC 52
#define FRAME_TO 56
#define FRAME_SIZE 60
#define ARGUMENT_2 36       /* on the stack after `save` */
#define ARGUMENT_3 40
#else
#define FRAME_STEP 32
#define FRAME_OUTPUT 34
#define FRAME_AT 36
#define FRAME_NEXT 38
#define FRAME_ACC_STEP 40
#define FRAME_ACC 42
#define FRAME_TO 44
#define FRAME_SIZE 46
#define ARGUMENT_2 18
#define ARGUMENT_3 20
#endif

/* Values of FRAME_SKIP. */
#define SKIP_BEGIN 0 /* what follows has not been prepared yet */
#define SKIP_EXACT 2
#define SKIP_LEFT 4
#define SKIP_RIGHT 6 /* by 8; each 4 more make one less */

#ifdef UNIT_MSP430_MPY
#define UNCERTAIN 248 /* 2 * (128 - d - 1 - 1/2, rounded up); the 1 is for negative sums */

#define BIAS r8
#define BIAS_HIGH r9

/* r10 is the step. */
    .macro begin_step
    MOVP FRAME_STEP(r1), r10
    .endm

    .macro next_output
    ADDP r10, r6
    .endm

/* r7: M = r15 */
    .macro begin_multiplier
    mov r15, r7
    .endm

    .macro multiply_high
    lock
    mov r7, &MPY
    mov r12, &OP2
    mov &RESHI, r12
    unlock
    .endm
#else
#define UNCERTAIN 246
#define BIAS FRAME_BIAS(r1)
#define BIAS_HIGH FRAME_BIAS_HIGH(r1)

    .macro begin_step
    .endm

    .macro next_output
    MOVP FRAME_STEP(r1), r11
    ADDP r11, r6
    .endm

/* a * b = (a + b)^2 / 4 - (a - b)^2 / 4 for the bytes of M = r15: r7, r8 are at the squares of the upper
 * byte and its negative, r9, r10 at those of the lower one. */
    .macro begin_multiplier
    mov.b r15, r9
    swpb r15
    mov.b r15, r7
    rla r7
    rla r9
    mov #unit_quarter_squares_msp430, r8
    mov r8, r10
    sub r7, r8
    sub r9, r10
    add #unit_quarter_squares_msp430, r7
    add #unit_quarter_squares_msp430, r9
    .endm

/* Without the product of the lower bytes. */
    .macro multiply_high
    mov.b r12, r13
    swpb r12
    mov.b r12, r12
    rla r13
    rla r12
    mov r12, r11
    add r7, r11
    mov @r11, r14
    mov r12, r11
    add r8, r11
    sub @r11, r14                   ; upper * upper
    mov r12, r11
    add r9, r11
    mov @r11, r15
    add r10, r12
    sub @r12, r15                   ; upper * lower
    mov r13, r11
    add r7, r11
    mov @r11, r12
    add r8, r13
    sub @r13, r12                   ; lower * upper
    add r15, r12
    swpb r12
    mov.b r12, r12                  ; these leave the carry
    jnc 1f
    add #0x100, r12
1:  add r14, r12
    .endm
#endif

/* clang-format on */

#endif /* UNIT_STORE_MSP430_H_ */
