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
#define FRAME_COUNT 24      /* channels left */
#define FRAME_POSITIONS 26
#define FRAME_POSITIONS_LEFT 28 /* or rows */
#ifdef __MSP430X_LARGE__
#define FRAME_STEP 30
#define FRAME_OUTPUT 34
#define FRAME_AT 38         /* 4 * channel */
#define FRAME_NEXT 42       /* where to go on when r5 has reached r4 */
#define FRAME_NEGATIVE 46   /* and with sums below 0 */
#define FRAME_ACC_STEP 50   /* bytes from behind an accumulator to the next, or from row to row */
#define FRAME_ACC 54        /* or bytes of a row */
#define FRAME_TO 58
#define FRAME_SHORTER 62
#define FRAME_SIZE 64
#define ARGUMENT_2 36       /* on the stack after `save` */
#define ARGUMENT_3 40
#define ARGUMENT_3_PLANE 38 /* behind an int16_t */
#else
#define FRAME_STEP 30
#define FRAME_OUTPUT 32
#define FRAME_AT 34
#define FRAME_NEXT 36
#define FRAME_NEGATIVE 38
#define FRAME_ACC_STEP 40
#define FRAME_ACC 42
#define FRAME_TO 44
#define FRAME_SHORTER 46 /* 0 or SHORTER */
#define FRAME_SIZE 48
#define ARGUMENT_2 18
#define ARGUMENT_3 20
#define ARGUMENT_3_PLANE 20
#endif

/* Values of FRAME_SKIP. */
#define SKIP_BEGIN 0 /* what follows has not been prepared yet */
#define SKIP_EXACT 2
#define SKIP_LEFT 4
#define SKIP_RIGHT 6 /* by 8; each 4 more make one less */
#define SHORTER 34   /* added to SKIP_RIGHT: the steps behind the eight and a jump */

/* Adds to the program counter. */
    .macro skip_frame at
#ifdef __MSP430X_LARGE__
    mov \at(r1), r11
    adda r11, r0
#else
    add \at(r1), r0
#endif
    .endm

#ifdef UNIT_MSP430_MPY
#define UNCERTAIN 248 /* 2 * (128 - d - 1 - 1/2, rounded up); the 1 is for negative sums */

#define BIAS r8
#define BIAS_HIGH r9

/* r10 is the step. */
    .macro begin_step
    MOVP FRAME_STEP(r1), r10
    .endm

/* r11 */
    .macro next_output
    mov.b r11, 0(r6)
    ADDP r10, r6
    .endm

/* The last sum. */
    .macro keep_sum
    mov r12, r14
    mov r13, r15
    .endm

    .macro keep_last_sum
    mov -4(r5), r14
    mov -2(r5), r15
    .endm

    .macro compare_sums alike, other
    cmp r12, r14
    jne \other
    cmp r13, r15
    jeq \alike
    jmp \other
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
    mov.b r11, 0(r6)
    MOVP FRAME_STEP(r1), r12
    ADDP r12, r6
    .endm

    .macro keep_sum
    .endm

    .macro keep_last_sum
    .endm

    .macro compare_sums alike, other
    cmp -8(r5), r12
    jne \other
    cmp -6(r5), r13
    jeq \alike
    jmp \other
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

/* Eight steps of 4 bytes, some of which are skipped. */
    .macro shift_right
    .rept 8
    rra r13
    rrc r12
    .endr
    .endm

/* q in the upper byte of r12. */
    .macro round sign
    tst r13
    jnz .Lstore_exact
    multiply_high
    rla r12
    jc .Lstore_exact
    add FRAME_HALF(r1), r12
    jc .Lstore_exact
    .ifc \sign,negative
    sub #2, r12                     ; a tie is uncertain
    .endif
    cmp.b #UNCERTAIN, r12
    jhs .Lstore_exact
    .endm

/* To A in r13:r12, from the magnitude of a sum: to what follows or elsewhere, as FRAME_SKIP says. */
    .macro scale sign
    skip_frame FRAME_SKIP
    jmp .Lstore_begin
    jmp .Lstore_exact
    jmp .Lleft_\sign
    shift_right
    .endm

    .macro shift_left sign
.Lleft_\sign:
    tst r13
    jnz .Lstore_exact
    mov FRAME_LEFT(r1), r11
1:  rla r12
    jc .Lstore_exact
    dec r11
    jnz 1b
    jmp .Lshifted_\sign
    .endm

/* From the unit_outputs at r12: what all channels share. Changes r11, r13, r14. With a ReLU and all
 * of int8 behind it, the product needs no limits. */
    .macro begin_limits
    mov OUTPUT_MAX(r12), r11
    mov r11, FRAME_MAX(r1)
    mov OUTPUT_OFFSET(r12), r11
    mov r11, FRAME_OFFSET(r1)
    mov OUTPUT_MIN(r12), r14
    mov r14, r13
    cmp OUTPUT_FATRELU_MIN(r12), r13
    jge 1f
    mov OUTPUT_FATRELU_MIN(r12), r13
    mov r11, r14
1:  mov r13, FRAME_LOW(r1)
    mov r14, FRAME_FLOOR(r1)
    clr FRAME_SHORTER(r1)
    cmp #-128, r13
    jne 2f
    cmp r11, r13
    jne 2f
    cmp #127, FRAME_MAX(r1)
    jne 2f
    mov #SHORTER, FRAME_SHORTER(r1)
2:
    .endm

/* clang-format on */

#endif /* UNIT_STORE_MSP430_H_ */
