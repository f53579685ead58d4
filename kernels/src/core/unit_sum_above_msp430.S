/* unit_sum_above_quotients and unit_sum_above_threshold of unit_loops.h; C reference:
 * unit_sum_above.c.
 *
 * r4 2 * threshold     r5 terms left        r6 quotients or threshold   r7 r8 sum
 * r9 r11 r12 scratch   r10 weights          r13 terms                   r14 w, scratch
 */
#ifdef __MSP430__
#include "unit_msp430.h"

    .macro begin_terms
    save
    MOVP r12, r10
    mov r14, r5
    MOVP r15, r6
    clr r7
    clr r8
    .endm

    .macro end_terms
    mov r7, r12
    mov r8, r13
    restore
    RET
    .endm

/* r7, r8 += r14, whose sign goes to r9 */
    .macro add_product
    mov r14, r9
    rla r9
    subc r9, r9
    inv r9
    add r14, r7
    addc r9, r8
    .endm

/* r14 = x * w from r14 = w; r13: at x, then behind it. x * w = (x + w)^2 / 4 - (x - w)^2 / 4, and
 * fits 16 bits. */
    .macro multiply_term
#ifdef UNIT_MSP430_MPY
    move_next 13, MPYS
    mov r14, &OP2
    mov &RESLO, r14
#else
    mov @r13+, r12
    rla r12
    rla r14
    mov r12, r9
    add r14, r12
    sub r14, r9
    mov unit_quarter_squares_msp430(r12), r14
    sub unit_quarter_squares_msp430(r9), r14
#endif
    .endm

/* Whether one term survives: no carry. Leaves its weight in r14 and r13 at its x. */
    .macro compare_quotient
    mov @r13+, r11
    ADDP r6, r11
    mov.b @r11, r11
    mov @r13+, r14
    ADDP r10, r14
    mov.b @r14, r14
    sxt r14
    mov r14, r12
    add r11, r12
    rla r11
    cmp r12, r11                    ; -quotient <= w <= quotient in one comparison
    .endm

    function unit_sum_above_quotients_msp430
    begin_terms
#ifdef UNIT_MSP430_MPY
    lock
    mov #0, &MPYS                   ; 0 * 0 clears the sum, which lives in the multiplier
    mov #0, &OP2
#endif
    sub #4, r5
    jn .Lquotients_rest
.Lquotients_four:
    .irp k, 1,2,3,4
    compare_quotient
    jlo .Lquotients_add_\k
    ADDP #2, r13
.Lquotients_next_\k:
    .endr
    sub #4, r5
    jge .Lquotients_four
.Lquotients_rest:
    add #4, r5
    jz .Lquotients_end
.Lquotients_one:
    compare_quotient
    jlo .Lquotients_add_5
    ADDP #2, r13
.Lquotients_next_5:
    dec r5
    jnz .Lquotients_one
.Lquotients_end:
#ifdef UNIT_MSP430_MPY
    mov &RESLO, r7
    mov &RESHI, r8
    unlock
#endif
    end_terms
    .irp k, 1,2,3,4,5
.Lquotients_add_\k:
#ifdef UNIT_MSP430_MPY
    move_next 13, MACS
    mov r14, &OP2
#else
    multiply_term
    add_product
#endif
    jmp .Lquotients_next_\k
    .endr

    function unit_sum_above_threshold_msp430
    begin_terms
    mov r6, r4
    rla r4
    ADDP #2, r13
#ifdef UNIT_MSP430_MPY
    lock
#endif
.Lthreshold:
    mov @r13+, r14
    ADDP r10, r14
    mov.b @r14, r14
    sxt r14
    multiply_term
    mov r14, r9
    add r6, r9
    cmp r9, r4                      ; -threshold <= product <= threshold
    jhs .Lthreshold_next
    add_product
.Lthreshold_next:
    ADDP #2, r13
    dec r5
    jnz .Lthreshold
#ifdef UNIT_MSP430_MPY
    unlock
#endif
    end_terms
#endif
