/* unit_largest_sums of unit_output.h for windows of two rows and two columns; C reference, which
 * takes the others: unit_largest_sums.c.
 *
 * r4-r7 the next sum of each position   r8 to   r9 channels   r10 channels left   r11 scratch
 * r13:r12 the largest sum   r14 windows left   r15 bytes of a position's sums
 */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef __MSP430X_LARGE__
#define WINDOWS_SUMS 0
#define WINDOWS_TO 4
#define WINDOWS_WINDOWS 8
#define WINDOWS_ROWS 12
#define WINDOWS_ROW_STEP 16
#define WINDOWS_COLUMNS 20
#define WINDOWS_CHANNELS 24
#else
#define WINDOWS_SUMS 0
#define WINDOWS_TO 2
#define WINDOWS_WINDOWS 4
#define WINDOWS_ROWS 6
#define WINDOWS_ROW_STEP 8
#define WINDOWS_COLUMNS 10
#define WINDOWS_CHANNELS 12
#endif

    .macro take_larger n
    cmp @r\n+, r12
    mov r13, r11                    ; mov leaves the flags of cmp
    subc @r\n+, r11
    jge 9f
    mov -4(r\n), r12
    mov -2(r\n), r13
9:
    .endm

/* r12: a unit_sum_windows */
    function unit_largest_sums_msp430
    cmp #2, WINDOWS_ROWS(r12)
    jne 1f
    cmp #2, WINDOWS_COLUMNS(r12)
    jeq 2f
1:  JUMP #unit_largest_sums_c
2:  save
    MOVP WINDOWS_SUMS(r12), r4
    MOVP WINDOWS_TO(r12), r8
    mov WINDOWS_WINDOWS(r12), r14
    MOVP WINDOWS_ROW_STEP(r12), r6
    MOVP WINDOWS_CHANNELS(r12), r15
    mov r15, r9
    ADDP r15, r15
    ADDP r15, r15
    ADDP r6, r6
    ADDP r6, r6
    ADDP r4, r6
    MOVP r4, r5
    ADDP r15, r5
    MOVP r6, r7
    ADDP r15, r7
    cmp #1, r9
    jeq .Llargest_pairs
.Llargest_window:
    mov r9, r10
.Llargest_channel:
    mov @r4+, r12
    mov @r4+, r13
    take_larger 5
    take_larger 6
    take_larger 7
    mov r12, 0(r8)
    mov r13, 2(r8)
    ADDP #4, r8
    dec r10
    jnz .Llargest_channel
    MOVP r5, r4                     ; behind the second position is the next window
    ADDP r15, r5
    MOVP r7, r6
    ADDP r15, r7
    dec r14
    jnz .Llargest_window
.Llargest_end:
    restore
    RET

/* One channel: the two positions of a row are neighbours, and so are windows. */
.Llargest_pairs:
    mov @r4+, r12
    mov @r4+, r13
    take_larger 4
    take_larger 6
    take_larger 6
    mov r12, 0(r8)
    mov r13, 2(r8)
    ADDP #4, r8
    dec r14
    jnz .Llargest_pairs
    jmp .Llargest_end
#endif
