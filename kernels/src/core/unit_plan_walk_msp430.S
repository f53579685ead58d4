/* unit_plan_walk of unit_loops.h; C reference: unit_plan_walk.c. */
#ifdef __MSP430__
#include "unit_plan_list_msp430.h"

/* r12: a unit_plan_row */
    function unit_plan_walk_msp430
    save
    SUBP #FRAME_SIZE, r1
    begin_locks
    MOVP r12, FRAME_PLAN(r1)
    mov ROW_CLASSES(r12), r14
    mov r14, FRAME_CLASSES(r1)
    mov ROW_OFFSET(r12), r13
    mov r13, FRAME_OFFSET(r1)
    mov ROW_POSITIONS(r12), r13
    mov r13, FRAME_POSITIONS(r1)
    MOVP #.Lrow, r15
    MOVP ROW_CRITICAL(r12), r13
    TSTP r13
    jz 1f
    MOVP ROW_WEIGHT(r12), r15
    SUBP r15, r13
    MOVP #.Lcritical_row, r15
1:  MOVP r13, FRAME_CRITICAL(r1)
    MOVP r15, FRAME_NEXT(r1)
    MOVP ROW_ACC(r12), r13
    MOVP r13, FRAME_ACC(r1)
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

/* r4 input   r5 class_of   r6 end of the position's inputs   r7 count - 1   r8 first
 * r9 count_step   r12 the row   r13 scratch   r15 class */
    MOVP ROW_INPUT(r12), r4
    MOVP ROW_COUNT(r12), r7
    ADDP #-1, r7
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
    add #-1, FRAME_POSITIONS(r1)
    jz .Lpositions_end
    mov ROW_CHANNELS(r12), r13
    MOVP ROW_INPUT_STEP(r12), r14
    ADDP r14, r4
    MOVP r4, r6
    SUBP r13, r4
    MOVP r6, FRAME_INPUT_END(r1)
    mov ROW_ACC_STEP(r12), r13
    ADDP r13, r13
    ADDP r13, r13
    MOVP FRAME_ACC(r1), r14
    ADDP r13, r14
    MOVP r14, FRAME_ACC(r1)
    MOVP ROW_COUNT(r12), r7
    ADDP #-1, r7
    MOVP ROW_FIRST(r12), r8
    jmp .Lactivation
.Lpositions_end:
    ADDP #FRAME_SIZE, r1
    restore
    RET

.Lactivation_walks:
    MOVP r4, FRAME_INPUT(r1)
    MOVP r7, FRAME_COUNT(r1)
    MOVP r8, FRAME_FIRST(r1)
    MOVP @r8, r10
    MOVP ROW_WEIGHT(r12), r13
    MOVP ROW_AT(r12), r11
    MOVP ROW_ROW(r12), r14
    mov FRAME_PASSED(r1), r8
    tst r8
    jz 2f
    MOVP FRAME_PASSED_COUNTS(r1), r6
    MOVP r7, r12
    SUBP r6, r12
    mov FRAME_CLASSES(r1), r9
1:  mov.b @r12, r6
    ADDP r6, r10
    ADDP r9, r12
    add #-1, r8
    jnz 1b
2:  ADDP r10, r11
    ADDP r13, r10
    MOVP r15, r13
    MOVP r7, r15
    ADDP r13, r7                    ; count of the class
    begin_walk
    next_counts r15                 ; length
    mov.b -1(r4), r12
    sxt r12
    add FRAME_OFFSET(r1), r12
    begin_x                         ; leaves the sign
#ifdef UNIT_MSP430_MPY
    jn .Lnegative_row
#endif
    jump_frame FRAME_NEXT

/* Where the next list goes. */
    .macro next_row
    mov @r14+, r6
    rla r6
    jc .Lwalked
    ADDP r6, r6
    add_frame FRAME_ACC, r6
    mov.b @r7, r8
    .endm

.Lcritical_row:
    next_row
    try_critical r7, r15
    jmp .Lcounted
#ifdef UNIT_MSP430_MPY
.Lnegative_row:
    next_row
    MOVP FRAME_CRITICAL(r1), r13
    TSTP r13
    jz 3f
    try_critical r7, r15
3:  keep_rest r15
    next_counts r7
    next_counts r15
    walk_negative_x
    jmp .Lnegative_row
#endif
.Lwalked:
    MOVP FRAME_PLAN(r1), r12
    MOVP FRAME_INPUT(r1), r4
    MOVP FRAME_COUNT(r1), r7
    MOVP FRAME_FIRST(r1), r8
    MOVP FRAME_INPUT_END(r1), r6
    MOVP ROW_CLASS_OF(r12), r5
    MOVP ROW_COUNT_STEP(r12), r9
    jmp .Lactivation_next
.Lrow:
    next_row
.Lcounted:
    keep_rest r15
    next_counts r7
    next_counts r15
    walk_entries row, 32, ENTRIES_32
    jump_frame FRAME_NEXT
    walk_entries_rest row, 32, ENTRIES_32
    walk_entries_table row, TABLE_OF_32
#endif
