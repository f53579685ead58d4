/* unit_plan_walk and unit_plan_walk_inputs of unit_loops.h; C references: unit_plan_walk.c,
 * unit_plan_walk_inputs.c.
 *
 * While a list is walked:
 * r4 r5 squares (software), or x and the position's acc    r6 acc   r7 count - 1
 * r8 entries left - 16   r9 scratch (software), or FRAME_REST   r10 weight   r11 at
 * r12 r13 scratch        r14 row, or input                      r15 class
 */
#ifdef __MSP430__
#include "unit_plan_walk_msp430.h"

/* r12: a unit_plan_row */
    function unit_plan_walk_msp430
    save
    SUBP #FRAME_SIZE, r1
    MOVP r12, FRAME_PLAN(r1)
    mov ROW_CLASSES(r12), r14
    mov r14, FRAME_CLASSES(r1)
    mov ROW_OFFSET(r12), r13
    mov r13, FRAME_OFFSET(r1)
    mov ROW_POSITIONS(r12), r13
    mov r13, FRAME_POSITIONS(r1)
    MOVP ROW_CRITICAL(r12), r13
    TSTP r13
    jz 1f
    MOVP ROW_WEIGHT(r12), r15
    SUBP r15, r13
1:  MOVP r13, FRAME_CRITICAL(r1)
    MOVP ROW_ACC(r12), r13
    MOVP r13, FRAME_ACC(r1)
    MOVP ROW_ROW(r12), r13
    MOVP r13, FRAME_ROW(r1)
    mov ROW_LISTS(r12), r15
    ADDP r15, r15
    ADDP r15, r13
    MOVP r13, FRAME_ROW_END(r1)
    MOVP #.Lwalked_row, r13
    MOVP r13, FRAME_NEXT(r1)
    mov ROW_PASSED(r12), r13
    mov r13, FRAME_PASSED(r1)
    MOVP #0, r15                    ; classes * (passed - 1)
    SUBP r14, r15
2:  tst r13
    jz 3f
    ADDP r14, r15
    dec r13
    jmp 2b
3:  MOVP r15, FRAME_PASSED_COUNTS(r1)
    MOVP ROW_INPUT(r12), r4

/* r4 input   r5 class_of   r6 end of the position's inputs   r7 count - 1   r8 first
 * r9 count_step   r12 the row   r13 scratch   r15 class */
.Lposition:
    MOVP ROW_COUNT(r12), r7
    SUBP #1, r7
    MOVP ROW_FIRST(r12), r8
    mov ROW_CHANNELS(r12), r6
    ADDP r4, r6
    MOVP r6, FRAME_INPUT_END(r1)
    MOVP ROW_CLASS_OF(r12), r5
    MOVP ROW_COUNT_STEP(r12), r9
.Lactivation:
    mov.b @r4+, r13
    ADDP r5, r13
    mov.b @r13, r15
    tst r15
    jnz .Lactivation_walks
.Lactivation_next:
    ADDP r9, r7
    ADDP #4, r8
    CMPP r6, r4
    jne .Lactivation
    dec FRAME_POSITIONS(r1)
    jz .Lpositions_end
    mov ROW_CHANNELS(r12), r13
    SUBP r13, r4
    MOVP ROW_INPUT_STEP(r12), r13
    ADDP r13, r4
    mov ROW_ACC_STEP(r12), r13
    ADDP r13, r13
    ADDP r13, r13
    MOVP FRAME_ACC(r1), r14
    ADDP r13, r14
    MOVP r14, FRAME_ACC(r1)
    jmp .Lposition
.Lpositions_end:
    ADDP #FRAME_SIZE, r1
    restore
    RET

.Lactivation_walks:
    MOVP r4, FRAME_INPUT(r1)
    MOVP r7, FRAME_COUNT(r1)
    MOVP r8, FRAME_FIRST(r1)
    MOVP @r8, r10
    MOVP ROW_WEIGHT(r12), r11
    MOVP ROW_AT(r12), r14
    mov FRAME_PASSED(r1), r8
    tst r8
    jz 2f
    MOVP FRAME_PASSED_COUNTS(r1), r13
    MOVP r7, r12
    SUBP r13, r12
    mov FRAME_CLASSES(r1), r9
1:  mov.b @r12, r13
    ADDP r13, r10
    ADDP r9, r12
    dec r8
    jnz 1b
2:  ADDP r10, r14
    ADDP r11, r10
    MOVP r14, r11
    mov.b -1(r4), r12
    sxt r12
    add FRAME_OFFSET(r1), r12
    begin_x
    MOVP FRAME_ROW(r1), r14
.Lrow:
    MOVP r7, r12
    ADDP r15, r12
    mov.b @r12+, r8
    mov @r14+, r6
    ADDP r6, r6
    ADDP r6, r6
    add_position
    jmp .Lcount
.Lwalked_row:
    MOVP FRAME_ROW_END(r1), r12
    CMPP r12, r14
    jne .Lrow
    MOVP FRAME_PLAN(r1), r12
    MOVP FRAME_INPUT(r1), r4
    MOVP FRAME_COUNT(r1), r7
    MOVP FRAME_FIRST(r1), r8
    MOVP FRAME_INPUT_END(r1), r6
    MOVP ROW_CLASS_OF(r12), r5
    MOVP ROW_COUNT_STEP(r12), r9
    JUMP #.Lactivation_next

/* r12: a unit_plan_inputs */
    .global unit_plan_walk_inputs_msp430
    .type unit_plan_walk_inputs_msp430,@function
unit_plan_walk_inputs_msp430:
    save
    SUBP #FRAME_SIZE, r1
    mov INPUTS_CLASSES(r12), r13
    mov r13, FRAME_CLASSES(r1)
    mov INPUTS_OFFSET(r12), r13
    mov r13, FRAME_OFFSET(r1)
    MOVP INPUTS_CLASS_OF(r12), r13
    MOVP r13, FRAME_CLASS_OF(r1)
    MOVP INPUTS_END(r12), r13
    MOVP r13, FRAME_INPUT_END(r1)
    MOVP #.Linput, r13
    MOVP r13, FRAME_NEXT(r1)
    MOVP INPUTS_WEIGHT(r12), r10
    MOVP INPUTS_AT(r12), r11
    MOVP INPUTS_CRITICAL(r12), r13
    TSTP r13
    jz 1f
    SUBP r10, r13
1:  MOVP r13, FRAME_CRITICAL(r1)
    MOVP INPUTS_COUNT(r12), r7
    SUBP #1, r7
    MOVP INPUTS_ACC(r12), r6
    MOVP INPUTS_INPUT(r12), r14
.Linput:
    MOVP FRAME_INPUT_END(r1), r13
    CMPP r13, r14
    jeq .Linputs_end
    mov.b @r14+, r12
    MOVP FRAME_CLASS_OF(r1), r13
    ADDP r12, r13
    mov.b @r13, r15
    tst r15
    jz .Linput_passed
    sxt r12
    add FRAME_OFFSET(r1), r12
    begin_x
    JUMP #.Lwalk
.Linput_passed:
    mov FRAME_CLASSES(r1), r13
    ADDP r13, r7
    mov.b @r7, r12
    ADDP r12, r10
    ADDP r12, r11
    jmp .Linput
.Linputs_end:
    MOVP r10, r12
    ADDP #FRAME_SIZE, r1
    restore
    RET

/* r8 entries of the next class's count, at r12, are not sure: r13 is FRAME_CRITICAL. */
.Lcritical:
    cmp FRAME_CLASSES(r1), r15
    jeq .Lcounted
    mov.b @r12, r9
    ADDP r10, r13
    ADDP r8, r13
    mov FRAME_X(r1), r12
    tst r12
    jge 1f
    inv r12
    inc r12
1:  cmp r9, r8
    jhs .Lcounted
    cmp.b @r13, r12
    jlo .Lcounted
    ADDP #1, r13
    inc r8
    jmp 1b

#ifdef UNIT_MSP430_MPY
/* The r8 entries of a list. */
.Lnegative_x:
    lock
    mov r4, &MPYS
1:  mov.b @r10+, r12
    sxt r12
    mov r12, &OP2
    mov.b @r11+, r13
    ADDP r6, r13
    add &RESLO, 0(r13)
    addc &RESHI, 2(r13)
    dec r8
    jnz 1b
    unlock
    JUMP #.Lwalked
#endif

/* Walks a list and goes to FRAME_NEXT. */
.Lwalk:
    MOVP r7, r12
    ADDP r15, r12
    mov.b @r12+, r8
.Lcount:                            ; r8: entries that count, r12: at the next class
    mov FRAME_CLASSES(r1), r13
    ADDP r13, r7
    MOVP FRAME_CRITICAL(r1), r13
    TSTP r13
    jnz .Lcritical
.Lcounted:
    mov.b @r7, r12                  ; the list's length
    sub r8, r12
    keep_rest
    tst r8
    jz .Lwalked
    begin_entries
.Lsome:
    MOVP r8, r12
    sub #16, r8
    jge .Lentries_16
    ADDP r12, r12
#ifdef __MSP430X_LARGE__
    ADDP r12, r12
    adda #.Lentries, r12
    mova @r12, r12
    bra r12
#else
    br .Lentries(r12)
#endif
    .irp k, 16,15,14,13,12,11,10,9,8,7,6,5,4,3,2,1
.Lentries_\k:
    entry .Lnegative_\k
    add_product
    jc .Lcarry_\k
.Lnext_\k:
    .endr
.Lentries_0:
    tst r8
    jl .Lsome_end
    JUMP #.Lsome
.Lsome_end:
    end_entries
.Lwalked:
    pass_rest
    MOVP FRAME_NEXT(r1), r12
    JUMP r12
    .irp k, 16,15,14,13,12,11,10,9,8,7,6,5,4,3,2,1
.Lnegative_\k:
    add_product
    jc .Lnext_\k
    dec 2(r13)
    jmp .Lnext_\k
.Lcarry_\k:
    inc 2(r13)
    jmp .Lnext_\k
    .endr

/* Where the last 0..15 entries begin. */
    .balign 2
.Lentries:
    .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
#ifdef __MSP430X_LARGE__
    .long .Lentries_\k
#else
    .short .Lentries_\k
#endif
    .endr
#endif
