/* Internal: how unit_plan_walk_msp430.S and unit_plan_walk_inputs_msp430.S walk a list;
 * unit_plan_walk_msp430.h tells the registers. */
#ifndef UNIT_PLAN_LIST_MSP430_H_
#define UNIT_PLAN_LIST_MSP430_H_

#include "unit_plan_walk_msp430.h"

/* clang-format off */

/* r8 entries of a list count for sure, by the count at \count: adds those that are tried. \length:
 * at the list's length. */
    .macro try_critical count, length
    CMPP \count, \length
    jeq 2f
    mov.b 1(\count), SPARE
    MOVP FRAME_CRITICAL(r1), r13
    ADDP r10, r13
    ADDP r8, r13
    mov FRAME_X(r1), r12
    tst r12
    jge 1f
    inv r12
    inc r12
1:  cmp SPARE, r8
    jhs 2f
    cmp.b @r13, r12
    jlo 2f
    ADDP #1, r13
    inc r8
    jmp 1b
2:
    .endm

/* Numbers of unrolled entries, and where to begin for 0..UNIT_PLAN_WINDOW of them. */
#define ENTRIES_16 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1
#define ENTRIES_32 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, ENTRIES_16
#define TABLE_4(n) n, n, n, n
#define TABLE_16(n) TABLE_4(n), TABLE_4(n), TABLE_4(n), TABLE_4(n)
#define UP_TO_16 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define UP_TO_32 UP_TO_16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32
#define TABLE_OF_16 UP_TO_16, TABLE_16(16), TABLE_16(16), TABLE_16(16)
#define TABLE_OF_32 UP_TO_32, TABLE_16(32), TABLE_16(32)

/* Walks the r8 entries of a list that count, and passes the rest. \most entries are unrolled. */
    .macro walk_entries name, most, entries:vararg
    lock_walk
    ADDP r8, r8
    load_x
.L\name\()_some:
#ifdef __MSP430X_LARGE__
    MOVP r8, r12
    ADDP r12, r12
    adda #.L\name\()_entries, r12
    mova @r12, r12
    bra r12
#else
    br .L\name\()_entries(r8)
#endif
    .irp k, \entries
.L\name\()_\k:
    entry .L\name\()_negative_\k
    add_product
    jc .L\name\()_carry_\k
.L\name\()_next_\k:
    .endr
    cmp #(2 * \most + 1), r8
    jhs .L\name\()_more
.L\name\()_0:
    unlock_walk
    pass_rest
    .endm

/* The rest of its code. */
    .macro walk_entries_rest name, most, entries:vararg
    .irp k, \entries
.L\name\()_negative_\k:
    add_product
    jc .L\name\()_next_\k
    dec 2(r13)
    jmp .L\name\()_next_\k
.L\name\()_carry_\k:
    inc 2(r13)
    jmp .L\name\()_next_\k
    .endr
.L\name\()_more:
    SUBP #(2 * \most), r8
    JUMP #.L\name\()_some
    .endm

    .macro walk_entries_table name, entries:vararg
    .balign 2
.L\name\()_entries:
    .irp k, \entries
#ifdef __MSP430X_LARGE__
    .long .L\name\()_\k
#else
    .short .L\name\()_\k
#endif
    .endr
    .endm

/* clang-format on */

#endif /* UNIT_PLAN_LIST_MSP430_H_ */
