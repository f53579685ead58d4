/* Multiplication helpers of the MSP430 EABI (SLAA534 section 6.3) that clang calls. Unsigned and
 * signed products agree in the bits that are returned. R4-R10 are preserved.
 *   mpyi   R12 = R12 * R13
 *   mpyl   R13:R12 = R13:R12 * R15:R14
 *   mpyll  R15..R12 = R11..R8 * R15..R12; mpyll_hw takes R15..R12 and four words on the stack
 */
#include "function.h"

#ifdef UNIT_MSP430_MPY

/* Registers of the 16-bit multiplier (SLAU049 section 7). */
#define MPY UNIT_MSP430_MPY
#define MAC UNIT_MSP430_MPY + 4
#define OP2 UNIT_MSP430_MPY + 8
#define RESLO UNIT_MSP430_MPY + 10
#define RESHI UNIT_MSP430_MPY + 12
#define SUMEXT UNIT_MSP430_MPY + 14

/* An interrupt that multiplies would change the registers. */
    .macro lock
    push r2
    dint
    nop
    .endm

    function __mspabi_mpyi_hw
    lock
    mov r12, &MPY
    mov r13, &OP2
    mov &RESLO, r12
    pop r2
    ret

    function __mspabi_mpyl_hw
    lock
    mov r12, &MPY
    mov r14, &OP2
    mov r12, &MAC
    mov &RESLO, r12
    mov &RESHI, &RESLO              ; from here on only the low word counts: bits 16..31
    mov r15, &OP2
    mov r13, &MAC
    mov r14, &OP2
    mov &RESLO, r13
    pop r2
    ret

/* RESHI:RESLO += \xh:\xl * \yh:\yl. Sign and zero extensions take the short ways. */
    .macro add_high xl, xh, yl, yh
    tst \xl
    jnz 1f
    tst \xh
    jz 3f
1:  cmp #-1, \xl
    jne 2f
    cmp #-1, \xh
    jne 2f
    sub \yl, &RESLO
    subc \yh, &RESHI
    jmp 3f
2:  mov \xl, &MAC
    mov \yl, &OP2
    sub #4, r1
    mov &RESLO, 0(r1)
    mov &RESHI, 2(r1)
    mov \xh, &MPY
    mov \yl, &OP2
    add &RESLO, 2(r1)
    mov \xl, &MPY
    mov \yh, &OP2
    add &RESLO, 2(r1)
    pop \xl
    mov \xl, &RESLO
    pop \xh
    mov \xh, &RESHI
3:
    .endm

    function __mspabi_mpyll_hw
    push r10
    push r9
    push r8
    lock
    mov 10(r1), r10
    mov 12(r1), r9
    mov r12, &MPY
    mov r10, &OP2
    mov &RESLO, r8                  ; bits 0..15
    mov &RESHI, &RESLO
    mov #0, &RESHI
    mov r12, &MAC
    mov r9, &OP2
    mov r13, &MAC
    mov r10, &OP2
    mov &RESLO, r11                 ; bits 16..31
    mov &RESHI, &RESLO
    mov &SUMEXT, &RESHI
    mov r13, &MAC
    mov r9, &OP2                    ; RESHI:RESLO: bits 32..63 of the product of the low halves
    add_high r14, r15, r10, r9
    mov 14(r1), r14
    mov 16(r1), r15
    add_high r14, r15, r12, r13
    mov r8, r12
    mov r11, r13
    mov &RESLO, r14
    mov &RESHI, r15
    pop r2
    pop r8
    pop r9
    pop r10
    ret

#endif

/* Without a multiplier: shift and add, ending with the highest bit of the multiplier. A negative
 * multiplier would need every iteration, so both operands are negated first. */
    function __mspabi_mpyi
    tst r13
    jge .Lmpyi
    inv r13
    inc r13
    inv r12
    inc r12
.Lmpyi:
    clr r14
.Lmpyi_bit:
    clrc
    rrc r13
    jnc .Lmpyi_next
    add r12, r14
.Lmpyi_next:
    rla r12
    tst r13
    jnz .Lmpyi_bit
    mov r14, r12
    ret

    function __mspabi_mpyl
    push r10
    push r9
    tst r15
    jge .Lmpyl
    inv r14
    inv r15
    inc r14
    adc r15
    inv r12
    inv r13
    inc r12
    adc r13
.Lmpyl:
    clr r10
    clr r9
    jmp .Lmpyl_test
.Lmpyl_bit:
    clrc
    rrc r15
    rrc r14
    jnc .Lmpyl_next
    add r12, r10
    addc r13, r9
.Lmpyl_next:
    rla r12
    rlc r13
.Lmpyl_test:
    tst r15
    jnz .Lmpyl_bit
.Lmpyl_low:                         ; 16 bits of the multiplier are left
    clrc
    rrc r14
    jnc .Lmpyl_low_next
    add r12, r10
    addc r13, r9
.Lmpyl_low_next:
    rla r12
    rlc r13
    tst r14
    jnz .Lmpyl_low
    mov r10, r12
    mov r9, r13
    pop r9
    pop r10
    ret

/* r7:r6 += \xh:\xl * \yh:\yl. Sign and zero extensions take the short ways. */
    .macro add_high_software xl, xh, yl, yh
    tst \xl
    jnz 1f
    tst \xh
    jz 3f
1:  cmp #-1, \xl
    jne 2f
    cmp #-1, \xh
    jne 2f
    sub \yl, r6
    subc \yh, r7
    jmp 3f
2:  push r12
    push r13
    push r14
    push r15
    push \yh
    push \yl
    mov \xl, r12
    mov \xh, r13
    pop r14
    pop r15
    call #__mspabi_mpyl
    add r12, r6
    addc r13, r7
    pop r15
    pop r14
    pop r13
    pop r12
3:
    .endm

    function __mspabi_mpyll
    push r6
    push r7
    push r11
    push r10
    mov r12, r10                    ; the low half of the second operand, for its high part
    mov r13, r11
    push r14
    clr r6
    clr r7
    mov #32, r14
.Lmpyll_bit:
    bit #1, r12                     ; carry is the bit
    jz .Lmpyll_next
    add r8, r6
    addc r9, r7
.Lmpyll_next:
    rrc r7
    rrc r6
    rrc r13
    rrc r12
    dec r14
    jnz .Lmpyll_bit
    pop r14
    add_high_software r14, r15, r8, r9
    pop r14
    pop r15                         ; the high half of the first operand
    push r14
    add_high_software r14, r15, r10, r11
    pop r10
    mov r6, r14
    mov r7, r15
    pop r7
    pop r6
    ret
