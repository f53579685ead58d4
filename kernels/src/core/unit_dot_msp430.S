/* unit_dot, unit_dot_terms and unit_dot_terms_above of unit_loops.h; C reference: unit_dot.c.
 *
 * r4 channels left   r5 count left          r6 weight - quotient    r7 r8 sum (software)
 * r9 scratch         r10 channel's weights or quotients             r11 acc
 * r12 x, scratch     r13 activations        r14 weight              r15 scratch
 * top of the stack: dots
 */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef UNIT_MSP430_MPY

/* The sum lives in the multiplier. */
    .macro begin_sum
    lock
    mov #0, &MPYS                   ; 0 * 0 clears it
    mov #0, &OP2
    .endm

    .macro end_sum
    add &RESLO, 0(r11)
    addc &RESHI, 2(r11)
    unlock
    .endm

/* Adds the next activation times the weight at \weight, which is @r14 or @r14+. */
    .macro add_product weight
    move_next 13, MACS
    mov.b \weight, r12
    sxt r12
    mov r12, &OP2
    .endm

#else

    .macro begin_sum
    mov 0(r11), r7
    mov 2(r11), r8
    .endm

    .macro end_sum
    mov r7, 0(r11)
    mov r8, 2(r11)
    .endm

/* x * w = (x + w)^2 / 4 - (x - w)^2 / 4: both are rounded down by the same amount. */
    .macro add_product weight
    mov @r13+, r12
    mov.b \weight, r15
    sxt r15
    rla r15
    rla r12
    mov r12, r9
    add r15, r12
    sub r15, r9
    add unit_quarter_squares_msp430(r12), r7
    adc r8
    sub unit_quarter_squares_msp430(r9), r7
    sbc r8
    .endm

#endif

/* From `dots` in r12 to the registers. */
    .macro begin_dots first
    save
    MOVP DOTS_ACC(r12), r11
    MOVP \first(r12), r10
    mov DOTS_CHANNELS(r12), r4
    SUBP #POINTER, r1
    MOVP r12, 0(r1)
    .endm

    .macro end_dots
    ADDP #POINTER, r1
    restore
    RET
    .endm

    function unit_dot_msp430
    begin_dots DOTS_WEIGHT
.Ldot_channel:
    MOVP 0(r1), r12
    MOVP DOTS_X(r12), r13
    mov DOTS_COUNT(r12), r5
    MOVP r10, r14
    MOVP DOTS_WEIGHT_STEP(r12), r15
    ADDP r15, r10
    begin_sum
    sub #16, r5
    jn .Ldot_rest
.Ldot_sixteen:
    .rept 16
    add_product @r14+
    .endr
    sub #16, r5
    jge .Ldot_sixteen
.Ldot_rest:
    add #16, r5
    jz .Ldot_end
.Ldot_one:
    add_product @r14+
    dec r5
    jnz .Ldot_one
.Ldot_end:
    end_sum
    ADDP #4, r11
    dec r4
    jnz .Ldot_channel
    end_dots

/* One term: r13 is at its `at`. */
    .macro add_term
    mov @r13+, r14
    ADDP r10, r14
    add_product @r14
    ADDP #2, r13
    .endm

    function unit_dot_terms_msp430
    begin_dots DOTS_WEIGHT
.Lterms_channel:
    MOVP 0(r1), r12
    MOVP DOTS_TERM(r12), r13
    mov DOTS_COUNT(r12), r5
    ADDP #2, r13
    begin_sum
    sub #8, r5
    jn .Lterms_rest
.Lterms_eight:
    .rept 8
    add_term
    .endr
    sub #8, r5
    jge .Lterms_eight
.Lterms_rest:
    add #8, r5
    jz .Lterms_end
.Lterms_one:
    add_term
    dec r5
    jnz .Lterms_one
.Lterms_end:
    end_sum
    MOVP 0(r1), r12
    MOVP DOTS_WEIGHT_STEP(r12), r15
    ADDP r15, r10
    ADDP #4, r11
    dec r4
    jnz .Lterms_channel
    end_dots

/* Whether one term survives: carry. Leaves r13 at its x. */
    .macro compare_term
    mov @r13+, r12
    mov @r13+, r14
    ADDP r10, r14
    cmp.b @r14, r12
    .endm

    .macro add_survivor
    ADDP r6, r14
    add_product @r14
    .endm

    function unit_dot_terms_above_msp430
    begin_dots DOTS_QUOTIENT
    MOVP DOTS_WEIGHT(r12), r6
    SUBP r10, r6
.Labove_channel:
    MOVP 0(r1), r12
    MOVP DOTS_TERM(r12), r13
    mov DOTS_COUNT(r12), r5
    begin_sum
    sub #4, r5
    jn .Labove_rest
.Labove_four:
    .irp k, 1,2,3,4
    compare_term
    jhs .Labove_add_\k
    ADDP #2, r13
.Labove_next_\k:
    .endr
    sub #4, r5
    jge .Labove_four
.Labove_rest:
    add #4, r5
    jz .Labove_end
.Labove_one:
    compare_term
    jhs .Labove_add_5
    ADDP #2, r13
.Labove_next_5:
    dec r5
    jnz .Labove_one
.Labove_end:
    end_sum
    MOVP 0(r1), r12
    MOVP DOTS_QUOTIENT_STEP(r12), r15
    ADDP r15, r10
    SUBP r15, r6
    MOVP DOTS_WEIGHT_STEP(r12), r15
    ADDP r15, r6
    ADDP #4, r11
    dec r4
    jnz .Labove_channel
    end_dots
    .irp k, 1,2,3,4,5
.Labove_add_\k:
    add_survivor
    jmp .Labove_next_\k
    .endr
#endif
