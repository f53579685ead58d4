/* unit_plan_walk_inputs of unit_loops.h; C reference: unit_plan_walk_inputs.c. */
#ifdef __MSP430__
#include "unit_plan_list_msp430.h"

/* r12: a unit_plan_inputs. r7: count - 1 */
    function unit_plan_walk_inputs_msp430
    save
    SUBP #FRAME_SIZE, r1
    begin_locks
    mov INPUTS_CLASSES(r12), r13
    mov r13, FRAME_CLASSES(r1)
    mov INPUTS_OFFSET(r12), r13
    mov r13, FRAME_OFFSET(r1)
    MOVP INPUTS_END(r12), r13
    MOVP r13, FRAME_INPUT_END(r1)
    MOVP INPUTS_CLASS_OF(r12), r15
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
    begin_walk
.Linput:
    compare_frame FRAME_INPUT_END, r14
    jeq .Linputs_end
    mov.b @r14+, r8
    MOVP r8, r13
    ADDP r15, r13
    mov.b @r13, r13
    tst r13
    jz .Linput_passed
    mov r8, r12
    sxt r12
    add FRAME_OFFSET(r1), r12
    begin_x
    ADDP r7, r13
    next_counts r7
    mov.b @r13, r8
    MOVP FRAME_CRITICAL(r1), r12
    TSTP r12
    jnz .Linput_critical
.Linput_counted:
    keep_rest r7
#ifdef UNIT_MSP430_MPY
    tst FRAME_X(r1)
    jl .Linput_negative
#endif
    walk_entries input, 16, ENTRIES_16
    JUMP #.Linput
.Linput_passed:
    next_counts r7
    mov.b @r7, r12
    ADDP r12, r10
    ADDP r12, r11
    jmp .Linput
.Linputs_end:
    MOVP r10, r12
    ADDP #FRAME_SIZE, r1
    restore
    RET

/* \count of try_critical is r13, which it changes. */
.Linput_critical:
    try_critical r13, r7
    JUMP #.Linput_counted
#ifdef UNIT_MSP430_MPY
.Linput_negative:
    walk_negative_x
    JUMP #.Linput
#endif
    walk_entries_rest input, 16, ENTRIES_16
    walk_entries_table input, TABLE_OF_16
#endif
