/* memcpy, memmove, memset, memcmp, strlen. Arguments in R12, R13, R14; result in R12. */
#include "function.h"

    function memcpy
    mov r12, r15
    tst r14
    jz .Lcopied
    bit #1, r12
    jnz .Lcopy_bytes
    bit #1, r13
    jnz .Lcopy_bytes
    push r14
    rra r14
    bic #0x8000, r14
    jz .Lcopy_last
.Lcopy_words:
    .word 0x4dbf, 0                 ; mov @r13+, 0(r15), which clang's assembler does not know
    incd r15
    dec r14
    jnz .Lcopy_words
.Lcopy_last:
    pop r14
    and #1, r14
    jz .Lcopied
.Lcopy_bytes:
    .word 0x4dff, 0                 ; mov.b @r13+, 0(r15)
    inc r15
    dec r14
    jnz .Lcopy_bytes
.Lcopied:
    ret

    function memmove
    cmp r13, r12
    jlo memcpy_forward              ; to below from: forward is safe
    mov r12, r15
    sub r13, r15
    cmp r14, r15
    jhs memcpy_forward              ; no overlap
    add r14, r13
    mov r12, r15
    add r14, r15
.Lmove_byte:
    cmp r12, r15
    jeq .Lmoved
    dec r13
    dec r15
    mov.b @r13, 0(r15)
    jmp .Lmove_byte
.Lmoved:
    ret
memcpy_forward:
    br #memcpy

    function memset
    mov r12, r15
    tst r14
    jz .Lset
    bit #1, r15
    jz .Lset_even
    mov.b r13, 0(r15)
    inc r15
    dec r14
.Lset_even:
    mov.b r13, r11                  ; the value in both bytes of r13
    mov r11, r13
    swpb r13
    bis r11, r13
    mov r14, r11
    clrc
    rrc r11
    jz .Lset_last
.Lset_word:
    mov r13, 0(r15)
    incd r15
    dec r11
    jnz .Lset_word
.Lset_last:
    bit #1, r14
    jz .Lset
    mov.b r13, 0(r15)
.Lset:
    ret

    function memcmp
    tst r14
    jz .Lequal
.Lcompare:
    mov.b @r12+, r15
    mov.b @r13+, r11
    sub r11, r15
    jnz .Ldifferent
    dec r14
    jnz .Lcompare
.Lequal:
    clr r15
.Ldifferent:
    mov r15, r12
    ret

    function strlen
    mov r12, r13
.Lscan:
    tst.b 0(r12)
    jz .Lscanned
    inc r12
    jmp .Lscan
.Lscanned:
    sub r13, r12
    ret
