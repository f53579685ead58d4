/* unit_walk_sorted and unit_fill of unit_loops.h; C references: unit_walk_sorted.c, unit_fill.c.
 *
 * The products of a call share their sign, so that adding one to an accumulator seldom changes its
 * upper word.
 *
 * r8 r9 squares (software), or r9 RESLO   r10 |w|, or scratch (software)   r11 scratch
 * r12 at   r13 x   r14 entries left - 16   r15 acc; w and acc: stack
 */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef UNIT_MSP430_MPY
#ifdef __MSP430X_LARGE__
#define ARGUMENT 12 /* on the stack after begin_walk */
#else
#define ARGUMENT 6
#endif
#define UPPER 2(r11) /* of an entry's accumulator */

    .macro begin_walk               ; r15: |w|
    PUSHP r10
    PUSHP r9
    mov r15, r10
    mov #RESLO, r9
    .endm

    .macro end_walk
    POPP r9
    POPP r10
    .endm

    .macro begin_entries
    lock
    mov r10, &MPY
    .endm

    .macro end_entries
    unlock
    .endm

    .macro entry operation, jump, to
    mov.b @r13+, r11
    mov r11, &OP2
    mov @r12+, r11
    ADDP r15, r11
    \operation @r9, 0(r11)
    \jump \to
    .endm
#else
#ifdef __MSP430X_LARGE__
#define ARGUMENT 16
#else
#define ARGUMENT 8
#endif
#define UPPER 2(r10)

    .macro begin_walk
    PUSHP r10
    PUSHP r9
    PUSHP r8
    rla r15
    mov #unit_quarter_squares_msp430, r8
    mov r8, r9
    add r15, r8
    sub r15, r9
    .endm

    .macro end_walk
    POPP r8
    POPP r9
    POPP r10
    .endm

    .macro begin_entries
    .endm

    .macro end_entries
    .endm

/* As in unit_dot_msp430.S. */
    .macro entry operation, jump, to
    mov.b @r13+, r11
    rla r11
    mov r11, r10
    add r8, r11
    add r9, r10
    mov @r11, r11
    sub @r10, r11
    mov @r12+, r10
    ADDP r15, r10
    \operation r11, 0(r10)
    \jump \to
    .endm
#endif

/* Sixteen entries; the last r14 ones where there are not so many. */
    .macro walk sign, operation, jump, correct
.L\sign:
    begin_entries
    sub #16, r14
    jge .L\sign\()_16
    mov r14, r11
    add #16, r11
    ADDP r11, r11
#ifdef __MSP430X_LARGE__
    ADDP r11, r11
    adda #.L\sign\()_entries, r11
    mova @r11, r11
    bra r11
#else
    br .L\sign\()_entries(r11)
#endif
    .irp k, 16,15,14,13,12,11,10,9,8,7,6,5,4,3,2,1
.L\sign\()_\k:
    entry \operation, \jump, .L\sign\()_correct_\k
.L\sign\()_next_\k:
    .endr
.L\sign\()_0:
    end_entries
    tst r14
    jl .L\sign\()_end
    jeq .L\sign\()_end
    JUMP #.L\sign
.L\sign\()_end:
    end_walk
    RET
    .irp k, 16,15,14,13,12,11,10,9,8,7,6,5,4,3,2,1
.L\sign\()_correct_\k:
    \correct UPPER
    jmp .L\sign\()_next_\k
    .endr
    .balign 2
.L\sign\()_entries:
    .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
#ifdef __MSP430X_LARGE__
    .long .L\sign\()_\k
#else
    .short .L\sign\()_\k
#endif
    .endr
    .endm

/* r12: at, r13: x, r14: count, r15: w, stack: acc */
    function unit_walk_sorted_msp430
    tst r15
    jl .Lnegative_weight
    begin_walk
    MOVP ARGUMENT(r1), r15
    walk positive, add, jc, inc
.Lnegative_weight:
    inv r15
    inc r15
    begin_walk
    MOVP ARGUMENT(r1), r15
    walk negative, sub, jnc, dec

/* r12: to, r13: count, r15:r14: value */
    function unit_fill_msp430
    SUBP #16, r13
    jl .Lfill_rest
.Lfill_sixteen:
    .irp at, 0,4,8,12,16,20,24,28,32,36,40,44,48,52,56,60
    mov r14, \at(r12)
    mov r15, \at+2(r12)
    .endr
    ADDP #64, r12
    SUBP #16, r13
    jge .Lfill_sixteen
.Lfill_rest:
    ADDP #16, r13
    jeq .Lfill_end
.Lfill_one:
    mov r14, 0(r12)
    mov r15, 2(r12)
    ADDP #4, r12
    ADDP #-1, r13
    jne .Lfill_one
.Lfill_end:
    RET
#endif
