/* unit_pool_max of unit_pool_walk.h; C reference: unit_pool_max.c.
 *
 * r4 input of the channel   r5 output          r6 end of the window's channels
 * r7 windows left           r8 channels        r9 from the last column of a row to the first of the
 * next                      r10 columns        r11 input   r12 rows left   r13 columns left
 * r14 1                     r15 the largest
 */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef __MSP430X_LARGE__
#define WINDOWS_INPUT 0
#define WINDOWS_OUTPUT 4
#define WINDOWS_WINDOWS 8
#define WINDOWS_STEP 12
#define WINDOWS_ROWS 16
#define WINDOWS_ROW_STEP 20
#define WINDOWS_COLUMNS 24
#define WINDOWS_CHANNELS 28
#else
#define WINDOWS_INPUT 0
#define WINDOWS_OUTPUT 2
#define WINDOWS_WINDOWS 4
#define WINDOWS_STEP 6
#define WINDOWS_ROWS 8
#define WINDOWS_ROW_STEP 10
#define WINDOWS_COLUMNS 12
#define WINDOWS_CHANNELS 14
#endif
/* On the stack. */
#define FRAME_STEP 0 /* from the end of a window's channels to the next window */
#define FRAME_ROWS POINTER
#define FRAME_SIZE (POINTER + POINTER)

    .macro take_larger
    cmp.b @r11, r15
    jge 9f
    mov.b @r11, r15
9:
    .endm

/* r12: a unit_pool_windows */
    function unit_pool_max_msp430
    save
    SUBP #FRAME_SIZE, r1
    MOVP WINDOWS_INPUT(r12), r4
    MOVP WINDOWS_OUTPUT(r12), r5
    MOVP WINDOWS_WINDOWS(r12), r7
    MOVP WINDOWS_CHANNELS(r12), r8
    MOVP WINDOWS_COLUMNS(r12), r10
    MOVP WINDOWS_STEP(r12), r13
    SUBP r8, r13
    MOVP r13, FRAME_STEP(r1)
    MOVP WINDOWS_ROW_STEP(r12), r9
    MOVP r10, r13
    jmp 2f
1:  SUBP r8, r9
2:  SUBP #1, r13
    jnz 1b
    MOVP WINDOWS_ROWS(r12), r12
    mov r12, FRAME_ROWS(r1)
    mov #1, r14
    cmp #2, r10
    jne .Lmax_window
    cmp #2, r12
    jeq .Lmax_four

.Lmax_window:
    MOVP r4, r6
    ADDP r8, r6
.Lmax_channel:
    MOVP r4, r11
    mov FRAME_ROWS(r1), r12
    mov.b #0x80, r15
.Lmax_row:
    mov r10, r13
    jmp 2f
1:  ADDP r8, r11
2:  take_larger
    add #-1, r13
    jnz 1b
    ADDP r9, r11
    add #-1, r12
    jnz .Lmax_row
    mov.b r15, 0(r5)
    ADDP r14, r5
    ADDP r14, r4
    CMPP r6, r4
    jne .Lmax_channel
    MOVP FRAME_STEP(r1), r11
    ADDP r11, r4
    sub r14, r7
    jnz .Lmax_window
.Lmax_end:
    ADDP #FRAME_SIZE, r1
    restore
    RET

/* Two rows and two columns. */
.Lmax_four:
    MOVP r4, r6
    ADDP r8, r6
.Lmax_four_channel:
    MOVP r4, r11
    mov.b @r4+, r15
    ADDP r8, r11
    take_larger
    ADDP r9, r11
    take_larger
    ADDP r8, r11
    take_larger
    mov.b r15, 0(r5)
    ADDP r14, r5
    CMPP r6, r4
    jne .Lmax_four_channel
    MOVP FRAME_STEP(r1), r11
    ADDP r11, r4
    sub r14, r7
    jnz .Lmax_four
    jmp .Lmax_end
#endif
