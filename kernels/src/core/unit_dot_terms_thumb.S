/* The loops of unit_dot_blocks.c over terms, for cores with
 * Thumb-2; C reference: unit_dot.c. Loops are entered in the middle, so that they need no
 * second loop for what is left over. Tests branch: GCC's conditional instructions take their time
 * where terms are skipped. */
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

#define TERM 6 /* sizeof(unit_term): below, at, x */

  .macro function name
  .section .text.\name, "ax", %progbits
  .balign 4
  .global \name
  .type \name, %function
  .thumb_func
\name:
  .endm

/* r1: count, becomes the end of the terms. Enters the loop; \code: bytes of a term. */
  .macro enter code
  and ip, r1, #3
  rsb ip, ip, #4
  and ip, ip, #3              /* terms that the first turn leaves out */
  add r1, r1, r1, lsl #1
  add r1, r0, r1, lsl #1
  mov lr, #\code
  mul ip, ip, lr
  add pc, ip
  nop
  .endm

  .macro product acc, weight
  ldrsb.w ip, [\weight, r11]
  mla \acc, ip, r10, \acc
  .endm

/* r0 term   r1 end   r2-r5 weight   r6-r9 acc   r10 x   r11 at   stack: acc */
  function unit_dot_terms_4_thumb
  push {r4-r11, lr}
  ldr r10, [sp, #36]
  add r4, r2, r3, lsl #1
  add r5, r4, r3
  add r3, r2
  ldm r10, {r6-r9}
  enter 44
1:
  .rept 4
  ldrh.w r11, [r0, #2]
  ldrsh.w r10, [r0, #4]
  add.w r0, r0, #TERM
  product r6, r2
  product r7, r3
  product r8, r4
  product r9, r5
  .endr
  cmp r0, r1
  bne 1b
  ldr r10, [sp, #36]
  stm r10, {r6-r9}
  pop {r4-r11, pc}
  .size unit_dot_terms_4_thumb, . - unit_dot_terms_4_thumb

/* r0 term   r1 end   r2, r3 weight   r6, r7 acc   r10 x   r11 at   stack: acc */
  function unit_dot_terms_2_thumb
  push {r4-r7, r10, r11, lr}
  ldr r5, [sp, #28]
  add r3, r2
  ldrd r6, r7, [r5]
  enter 28
1:
  .rept 4
  ldrh.w r11, [r0, #2]
  ldrsh.w r10, [r0, #4]
  add.w r0, r0, #TERM
  product r6, r2
  product r7, r3
  .endr
  cmp r0, r1
  bne 1b
  strd r6, r7, [r5]
  pop {r4-r7, r10, r11, pc}
  .size unit_dot_terms_2_thumb, . - unit_dot_terms_2_thumb

/* The same where below (lr) is not less than the quotient. */
  .macro product_above acc, weight, quotient
  ldrb.w ip, [\quotient, r11]
  cmp.w lr, ip
  blo.n 2f
  product \acc, \weight
2:
  .endm

/* r0 term   r1 end   r2, r3 weight   r4, r5 quotient   r6, r7 acc   r10 x   r11 at
 * r0 and stack: dots */
  function unit_dot_terms_above_2_thumb
  push {r0, r4-r7, r10, r11, lr}
  ldr r2, [r0, #8]            /* weight, quotient, weight_step, quotient_step, acc, count */
  ldr r4, [r0, #12]
  ldrd r3, r5, [r0, #16]
  ldr r10, [r0, #24]
  ldrsh r1, [r0, #28]
  ldr r0, [r0, #4]            /* term */
  add r3, r2
  add r5, r4
  ldrd r6, r7, [r10]
  enter 52
1:
  .rept 4
  ldrh.w lr, [r0]
  ldrh.w r11, [r0, #2]
  ldrsh.w r10, [r0, #4]
  product_above r6, r2, r4
  product_above r7, r3, r5
  add.w r0, r0, #TERM
  .endr
  cmp r0, r1
  bne 1b
  pop {r0}
  ldr r10, [r0, #24]
  strd r6, r7, [r10]
  pop {r4-r7, r10, r11, pc}
  .size unit_dot_terms_above_2_thumb, . - unit_dot_terms_above_2_thumb
#endif
