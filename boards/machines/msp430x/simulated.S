/* What the firmware asks of gdb's simulator. System calls are calls to 0x180 + their number, with
 * arguments in R12-R15. The runner attaches the device "pal" at 0x400, whose timer counts
 * instructions down, in four bytes with the highest first.
 *
 * Its multiplier (0x4c0) is not all of the real one: RESHI cannot be written and the operands cannot
 * be read (it complains), SUMEXT has no carry of MAC, there is no 32-bit MAC, and MPY and MPYS clear
 * the sum that MAC and MACS add to instead of beginning it: clear with a product of 0. */
#include "msp430/function.h"

#define SYS_EXIT 0x181
#define SYS_WRITE 0x185
#define STDOUT 1
#define STDERR 2
#define PAL_TIMER 0x428
#define PAL_TIMER_VALUE 0x42C

    function unit_machine_start
    mov #0xff, r12                  ; the longest period that can be written: 0xff000000
    mova r12, &PAL_TIMER
    reta

    /* The upper half of the timer in R12, bytes swapped. It must be read as four bytes, and a register
     * takes no more of them. */
    function unit_machine_timer
    mova &PAL_TIMER_VALUE, r12
    mov r12, r12
    reta

    function unit_machine_write
    mova r13, r14
    mova r12, r13
    mov #STDOUT, r12
    calla #SYS_WRITE
    reta

    /* The instructions from one SYS_WRITE to the next are in boards/simulator_msp430_run.py. */
    function unit_machine_mark
    mov #STDERR, r12
    mova #PAL_TIMER_VALUE, r13
    mov #4, r14
    calla #SYS_WRITE
    reta

    function unit_machine_halt
    calla #SYS_EXIT
    jmp unit_machine_halt
