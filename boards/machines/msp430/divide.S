/* Division helpers of the MSP430 EABI (SLAA534 section 6.3) that clang calls: one bit per
 * iteration. Quotients are rounded towards zero, remainders have the sign of the dividend. R4-R10
 * are preserved.
 *   16 bits: R12 = R12 / R13; 32 bits: R13:R12 = R13:R12 / R15:R14;
 *   64 bits: R15..R12 = R11..R8 / R15..R12
 */
#include "function.h"

    .macro negate16 a
    inv \a
    inc \a
    .endm

    .macro negate32 a, b
    inv \a
    inv \b
    inc \a
    adc \b
    .endm

    .macro negate64 a, b, c, d
    inv \a
    inv \b
    inv \c
    inv \d
    inc \a
    adc \b
    adc \c
    adc \d
    .endm

/* ---- 16 bits. Quotient in R12, remainder in R14. */

    function __mspabi_divu
    cmp r13, r12
    jlo .Ldivide16_less
    clr r14
    mov #16, r15
.Ldivide16:
    rla r12
    rlc r14
    jc .Ldivide16_one               ; a 17-bit remainder exceeds every divisor
    cmp r13, r14
    jlo .Ldivide16_zero
.Ldivide16_one:
    sub r13, r14
    inc r12
.Ldivide16_zero:
    dec r15
    jnz .Ldivide16
    ret
.Ldivide16_less:
    mov r12, r14
    clr r12
    ret

    function __mspabi_remu
    call #__mspabi_divu
    mov r14, r12
    ret

    function __mspabi_divi
    mov r12, r11
    xor r13, r11                    ; negative: so is the quotient
    tst r12
    jge .Ldivi_divisor
    negate16 r12
.Ldivi_divisor:
    tst r13
    jge .Ldivi_divide
    negate16 r13
.Ldivi_divide:
    call #__mspabi_divu
    tst r11
    jge .Ldivi_end
    negate16 r12
.Ldivi_end:
    ret

    function __mspabi_remi
    mov r12, r11
    tst r12
    jge .Lremi_divisor
    negate16 r12
.Lremi_divisor:
    tst r13
    jge .Lremi_divide
    negate16 r13
.Lremi_divide:
    call #__mspabi_divu
    mov r14, r12
    tst r11
    jge .Lremi_end
    negate16 r12
.Lremi_end:
    ret

/* ---- 32 bits. Quotient in R13:R12, remainder in R11:R10 (the caller of divide32 saves R10). */

    function divide32
    push r9
    clr r10
    clr r11
    mov #32, r9
.Ldivide32:
    rla r12
    rlc r13
    rlc r10
    rlc r11
    jc .Ldivide32_one
    cmp r15, r11
    jlo .Ldivide32_zero
    jne .Ldivide32_one
    cmp r14, r10
    jlo .Ldivide32_zero
.Ldivide32_one:
    sub r14, r10
    subc r15, r11
    inc r12
.Ldivide32_zero:
    dec r9
    jnz .Ldivide32
    pop r9
    ret

/* |dividend| / |divisor|; the operands' signs are for the caller. */
    function divide32_magnitudes
    tst r13
    jge .Lmagnitude32_divisor
    negate32 r12, r13
.Lmagnitude32_divisor:
    tst r15
    jge .Lmagnitude32_divide
    negate32 r14, r15
.Lmagnitude32_divide:
    br #divide32

    function __mspabi_divul
    push r10
    call #divide32
    pop r10
    ret

    function __mspabi_remul
    push r10
    call #divide32
    mov r10, r12
    mov r11, r13
    pop r10
    ret

    function __mspabi_divli
    push r10
    push r13
    xor r15, 0(r1)
    call #divide32_magnitudes
    pop r10
    tst r10
    jge .Ldivli_end
    negate32 r12, r13
.Ldivli_end:
    pop r10
    ret

    function __mspabi_remli
    push r10
    push r13
    call #divide32_magnitudes
    mov r10, r12
    mov r11, r13
    pop r10
    tst r10
    jge .Lremli_end
    negate32 r12, r13
.Lremli_end:
    pop r10
    ret

/* ---- 64 bits. Quotient in R11..R8, remainder in R7..R4 (the callers save R4-R10). */

    function divide64
    clr r4
    clr r5
    clr r6
    clr r7
    push #64
.Ldivide64:
    rla r8
    rlc r9
    rlc r10
    rlc r11
    rlc r4
    rlc r5
    rlc r6
    rlc r7
    jc .Ldivide64_one
    cmp r15, r7
    jlo .Ldivide64_zero
    jne .Ldivide64_one
    cmp r14, r6
    jlo .Ldivide64_zero
    jne .Ldivide64_one
    cmp r13, r5
    jlo .Ldivide64_zero
    jne .Ldivide64_one
    cmp r12, r4
    jlo .Ldivide64_zero
.Ldivide64_one:
    sub r12, r4
    subc r13, r5
    subc r14, r6
    subc r15, r7
    inc r8
.Ldivide64_zero:
    dec 0(r1)
    jnz .Ldivide64
    incd r1
    ret

    function divide64_magnitudes
    tst r11
    jge .Lmagnitude64_divisor
    negate64 r8, r9, r10, r11
.Lmagnitude64_divisor:
    tst r15
    jge .Lmagnitude64_divide
    negate64 r12, r13, r14, r15
.Lmagnitude64_divide:
    br #divide64

    .macro save
    .irp r, r4, r5, r6, r7, r8, r9, r10
    push \r
    .endr
    .endm

    .macro return a, b, c, d
    mov \a, r12
    mov \b, r13
    mov \c, r14
    mov \d, r15
    .irp r, r10, r9, r8, r7, r6, r5, r4
    pop \r
    .endr
    ret
    .endm

    function __mspabi_divull
    save
    call #divide64
    return r8, r9, r10, r11

    function __mspabi_remull
    save
    call #divide64
    return r4, r5, r6, r7

    function __mspabi_divlli
    save
    push r11
    xor r15, 0(r1)
    call #divide64_magnitudes
    pop r12
    tst r12
    jge .Ldivlli_end
    negate64 r8, r9, r10, r11
.Ldivlli_end:
    return r8, r9, r10, r11

    function __mspabi_remlli
    save
    push r11
    call #divide64_magnitudes
    pop r12
    tst r12
    jge .Lremlli_end
    negate64 r4, r5, r6, r7
.Lremlli_end:
    return r4, r5, r6, r7
