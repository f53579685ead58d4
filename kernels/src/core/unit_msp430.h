/* Internal: macros of the MSP430 assembly, for LLVM's and GNU's assembler, for 16-bit pointers and
 * for the 20-bit ones of MSP430X's large model.
 *
 * R12-R15 carry arguments and may be changed like R11; R4-R10 are preserved (MSP430 EABI, SLAA534
 * section 3). Instructions: SLAU049 section 3, SLAU367 section 4; multiplier: SLAU049 section 7. */
#ifndef UNIT_MSP430_H_
#define UNIT_MSP430_H_

#ifdef __MSP430X_LARGE__
#define POINTER 4
#define MOVP mova
#define ADDP adda
#define SUBP suba
#define TSTP cmpa #0,
#define CMPP cmpa
#define CALL calla
#define PUSHP pushm.a #1,
#define POPP popm.a #1,
#define SAVED_AND_RETURN 32 /* bytes on the stack after `save` */
#define JUMP bra
#define RET reta
#else
#define POINTER 2
#define MOVP mov
#define ADDP add
#define SUBP sub
#define TSTP tst
#define CMPP cmp
#define CALL call
#define PUSHP push
#define POPP pop
#define SAVED_AND_RETURN 16
#define JUMP br
#define RET ret
#endif

/* clang-format off */

    .macro function name
    .section .text.\name,"ax",@progbits
    .global \name
    .type \name,@function
    .balign 2
\name:
    .endm

/* R4-R10 */
    .macro save
#ifdef __MSP430X_LARGE__
    pushm.a #7, r10
#else
    .irp n, 10,9,8,7,6,5,4
    push r\n
    .endr
#endif
    .endm

    .macro restore
#ifdef __MSP430X_LARGE__
    popm.a #7, r10
#else
    .irp n, 4,5,6,7,8,9,10
    pop r\n
    .endr
#endif
    .endm

/* Registers of the hardware multiplier. */
#ifdef UNIT_MSP430_MPY
#define MPY UNIT_MSP430_MPY
#define MPYS (UNIT_MSP430_MPY + 2)
#define MAC (UNIT_MSP430_MPY + 4)
#define MACS (UNIT_MSP430_MPY + 6)
#define OP2 (UNIT_MSP430_MPY + 8)
#define RESLO (UNIT_MSP430_MPY + 10)
#define RESHI (UNIT_MSP430_MPY + 12)
#define SUMEXT (UNIT_MSP430_MPY + 14)

/* mov @r\n+, &address, which LLVM's assembler does not know. */
    .macro move_next n, address
    .word 0x40b2 | \n << 8, \address
    .endm

/* From here to `unlock` the multiplier is ours. */
    .macro lock
#ifndef UNIT_MSP430_KEEP_INTERRUPTS
    push r2
    dint
    nop
#endif
    .endm

    .macro unlock
#ifndef UNIT_MSP430_KEEP_INTERRUPTS
    pop r2
    nop
#endif
    .endm
#endif

/* Members of unit_dots, unit_columns and unit_outputs. Plain numbers: LLVM's assembler drops `mov (expression)(rn), rm`
 * without a word. */
#ifdef __MSP430X_LARGE__
#define DOTS_X 0
#define DOTS_TERM 4
#define DOTS_WEIGHT 8
#define DOTS_QUOTIENT 12
#define DOTS_WEIGHT_STEP 16
#define DOTS_QUOTIENT_STEP 20
#define DOTS_ACC 24
#define DOTS_COUNT 28
#define DOTS_CHANNELS 30
#define COLUMNS_TERM 0
#define COLUMNS_WEIGHT 4
#define COLUMNS_STEP 8
#define COLUMNS_ACC 12
#define COLUMNS_COUNT 16
#define COLUMNS_OUTPUTS 18
#define OUTPUT_BIAS 0
#define OUTPUT_COMPENSATION 4
#define OUTPUT_MULTIPLIER 8
#define OUTPUT_SHIFT 12
#define OUTPUT_IS_PER_CHANNEL 16
#define OUTPUT_OFFSET 18
#define OUTPUT_MIN 20
#define OUTPUT_MAX 22
#define OUTPUT_FATRELU_MIN 24
#else
#define DOTS_X 0
#define DOTS_TERM 2
#define DOTS_WEIGHT 4
#define DOTS_QUOTIENT 6
#define DOTS_WEIGHT_STEP 8
#define DOTS_QUOTIENT_STEP 10
#define DOTS_ACC 12
#define DOTS_COUNT 14
#define DOTS_CHANNELS 16
#define COLUMNS_TERM 0
#define COLUMNS_WEIGHT 2
#define COLUMNS_STEP 4
#define COLUMNS_ACC 6
#define COLUMNS_COUNT 8
#define COLUMNS_OUTPUTS 10
#define OUTPUT_BIAS 0
#define OUTPUT_COMPENSATION 2
#define OUTPUT_MULTIPLIER 4
#define OUTPUT_SHIFT 6
#define OUTPUT_IS_PER_CHANNEL 8
#define OUTPUT_OFFSET 10
#define OUTPUT_MIN 12
#define OUTPUT_MAX 14
#define OUTPUT_FATRELU_MIN 16
#endif

#endif /* UNIT_MSP430_H_ */
