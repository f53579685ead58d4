/* unit_high_mul and unit_requantize of unit_requantize.h, where their C reference is. */
#ifdef __MSP430__
#include "unit_msp430.h"

#ifdef UNIT_MSP430_MPY

/* r15:r14:r11 = (r13:r12 * r15:r14) >> 16, signed. Changes r8-r10. */
    .macro multiply
    lock
    mov r12, &MPY
    mov r14, &OP2
    mov &RESHI, r11
    mov r15, &OP2
    add &RESLO, r11
    mov &RESHI, r8
    adc r8
    mov r13, &MPY
    mov r14, &OP2
    clr r9
    add &RESLO, r11
    addc &RESHI, r8
    adc r9
    mov r15, &OP2
    add &RESLO, r8
    addc &RESHI, r9
    unlock
    tst r13                         ; the factors were taken as unsigned
    jge 1f
    sub r14, r8
    subc r15, r9
1:  tst r15
    jge 2f
    sub r12, r8
    subc r13, r9
2:  mov r8, r14
    mov r9, r15
    .endm

#else

/* 16 steps of a multiplication: r9:r8 += r15:r14 for each bit of \bits, the least significant one
 * first. What is shifted out goes to \bits. */
    .macro multiply_half bits
    mov #16, r10
1:  bit #1, \bits                   ; carry: the bit
    jz 2f
    add r14, r8
    addc r15, r9
2:  rrc r9
    rrc r8
    rrc \bits
    dec r10
    jnz 1b
    .endm

    .macro negate low, high
    inv \low
    inv \high
    inc \low
    adc \high
    .endm

/* As above. r13 = 0 saves half of the steps. */
    .macro multiply
    mov r13, r11
    xor r15, r11                    ; the sign
    tst r13
    jge 3f
    negate r12, r13
3:  tst r15
    jge 4f
    negate r14, r15
4:  clr r8
    clr r9
    multiply_half r12
    tst r13
    jnz 5f
    mov r8, r13
    mov r9, r8
    clr r9
    jmp 6f
5:  multiply_half r13
6:  mov r8, r14                     ; r15:r14:r13:r12 is the product
    mov r9, r15
    tst r11
    jge 7f
    inv r12
    inv r13
    inv r14
    inv r15
    inc r12
    adc r13
    adc r14
    adc r15
7:  mov r13, r11
    .endm

#endif

/* r13:r12 = (r15:r14:r11 + 2^14) >> 15 */
    .macro round
    add #0x4000, r11
    adc r14
    adc r15
    rla r11
    rlc r14
    rlc r15
    mov r14, r12
    mov r15, r13
    .endm

/* Requantizes r13:r12 with the multiplier r15:r14 and the shift \shift, an operand that `multiply`
 * leaves alone. Changes r8-r11. */
    .macro requantize shift
    mov \shift, r10
    cmp #1, r10
    jl 12f
11: rla r12
    rlc r13
    dec r10
    jnz 11b
12: multiply
    round
    mov \shift, r10
    tst r10
    jge 17f
    inv r10                         ; -shift - 1: the last step rounds
    tst r13
    jge 13f
    sub #1, r12                     ; ties of negative numbers go down
    sbc r13
13: sub #8, r10
    jn 14f
    swpb r12
    mov.b r12, r12
    mov r13, r11
    swpb r11
    and #0xff00, r11
    bis r11, r12
    swpb r13
    sxt r13
    jmp 13b
14: inv r10                         ; 7 - what is left of the 0..7 steps
    rla r10
    rla r10
    ADDP r10, r0                    ; skips that many of these 4 bytes
    .rept 7
    rra r13
    rrc r12
    .endr
    inc r12
    adc r13
    rra r13
    rrc r12
17:
    .endm

/* r13:r12: a, r15:r14: b */
    function unit_high_mul_msp430
    save
    multiply
    round
    restore
    RET

/* r13:r12: value, r15:r14: multiplier, stack: shift */
    function unit_requantize_msp430
    save
    mov SAVED_AND_RETURN(r1), r7
    requantize r7
    restore
    RET
#endif
