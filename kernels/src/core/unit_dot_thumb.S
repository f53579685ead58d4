/* The loops of unit_dot_blocks.c over activations; C reference: unit_dot.c. Loops are
 * entered in the middle, so that they need no second loop for what is left over. */
#if defined(__thumb__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

  .macro function name
  .section .text.\name, "ax", %progbits
  .balign 4
  .global \name
  .type \name, %function
  .thumb_func
\name:
  .endm

#ifdef __thumb2__

/* acc += ip * next weight */
  .macro product acc, weight
  ldrsb.w lr, [\weight], #1
  mla \acc, lr, ip, \acc
  .endm

#ifdef __ARM_FEATURE_SIMD32
/* acc += four products: ip holds x[0], x[2], r11 x[1], x[3]. */
  .macro products acc, weight
  ldr.w lr, [\weight], #4
  sxtb16 r10, lr
  sxtb16 lr, lr, ror #8
  smlad \acc, ip, r10, \acc
  smlad \acc, r11, lr, \acc
  .endm

/* The next four x as `products` wants them. */
  .macro four
  ldrd r10, r11, [r0], #8
  pkhbt ip, r10, r11, lsl #16
  pkhtb r11, r11, r10, asr #16
  .endm
#endif

/* r0 x   r1 count   r2-r5 weight   r6-r9 acc   stack: acc */
  function unit_dot_4_thumb
  push {r4-r11, lr}
  ldr ip, [sp, #36]
  add r4, r2, r3, lsl #1
  add r5, r4, r3
  add r3, r2
  ldm ip, {r6-r9}
#ifdef __ARM_FEATURE_SIMD32
  push {r1}
  asrs r1, r1, #2
  beq 2f
1:
  four
  products r6, r2
  products r7, r3
  products r8, r4
  products r9, r5
  subs r1, #1
  bne 1b
2:
  pop {r1}
  ands r1, r1, #3
  beq 4f
3:
  ldrsh.w ip, [r0], #2
  product r6, r2
  product r7, r3
  product r8, r4
  product r9, r5
  subs r1, #1
  bne 3b
4:
#else
  add r1, r0, r1, lsl #1      /* end of x */
  subs ip, r0, r1
  asrs ip, ip, #1
  and ip, ip, #3              /* elements that the first turn leaves out */
  add ip, ip, ip, lsl #3
  lsl ip, ip, #2              /* 36 bytes of code each */
  add pc, ip
  nop
1:
  .rept 4
  ldrsh.w ip, [r0], #2
  product r6, r2
  product r7, r3
  product r8, r4
  product r9, r5
  .endr
  cmp r0, r1
  bne 1b
#endif
  ldr ip, [sp, #36]
  stm ip, {r6-r9}
  pop {r4-r11, pc}
  .size unit_dot_4_thumb, . - unit_dot_4_thumb

/* r0 x   r1 count   r2, r3 weight   r6, r7 acc   stack: acc */
  function unit_dot_2_thumb
  push {r4-r7, r10, r11, lr}
  ldr r5, [sp, #28]
  add r3, r2
  ldrd r6, r7, [r5]
#ifdef __ARM_FEATURE_SIMD32
  asrs r4, r1, #2
  beq 2f
1:
  four
  products r6, r2
  products r7, r3
  subs r4, #1
  bne 1b
2:
  ands r1, r1, #3
  beq 4f
3:
  ldrsh.w ip, [r0], #2
  product r6, r2
  product r7, r3
  subs r1, #1
  bne 3b
4:
#else
  add r1, r0, r1, lsl #1      /* end of x */
  subs ip, r0, r1
  asrs ip, ip, #1
  and ip, ip, #3              /* elements that the first turn leaves out */
  add ip, ip, ip, lsl #2
  lsl ip, ip, #2              /* 20 bytes of code each */
  add pc, ip
  nop
1:
  .rept 4
  ldrsh.w ip, [r0], #2
  product r6, r2
  product r7, r3
  .endr
  cmp r0, r1
  bne 1b
#endif
  strd r6, r7, [r5]
  pop {r4-r7, r10, r11, pc}
  .size unit_dot_2_thumb, . - unit_dot_2_thumb

#else /* Thumb-1 */

/* acc += r5 * next weight */
  .macro product acc, weight
  ldrsb r6, [\weight, r1]
  muls r6, r5
  add \acc, r6
  .endm

/* From the stack, \saved bytes of saved registers: acc. r0: x less the elements that the first
 * turn leaves out; r1: -count; r7: bytes of code to leave out, \code each. */
  .macro begin code
  rsbs r1, r1, #0
  movs r7, #3
  ands r7, r1
  lsls r6, r7, #1
  subs r0, r0, r6
  movs r6, #\code
  muls r7, r6
  .endm

/* r0 x   r1 -what is left   r2-r4, r7 end of weights   r5 x[i]   r8-r11 acc   ip, stack: acc */
  function unit_dot_4_thumb
  push {r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  ldr r4, [sp, #36]
  mov r12, r4
  ldm r4!, {r5-r7}
  mov r8, r5
  mov r9, r6
  mov r10, r7
  ldr r5, [r4]
  mov r11, r5
  adds r2, r2, r1
  adds r4, r2, r3
  adds r5, r4, r3
  adds r3, r5, r3
  mov lr, r3                  /* the fourth channel's weights */
  movs r3, r4
  movs r4, r5
  begin 30
  mov r5, r7
  mov r7, lr
  add pc, r5
  nop
1:
  .set index, 0
  .rept 4
  ldrh r5, [r0, #2 * index]
  sxth r5, r5
  product r8, r2
  product r9, r3
  product r10, r4
  product r11, r7
  adds r1, #1
  .set index, index + 1
  .endr
  adds r0, #8                 /* changes the flags */
  cmp r1, #0
  bne 1b
  mov r0, r12
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  stm r0!, {r4-r7}
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .size unit_dot_4_thumb, . - unit_dot_4_thumb

/* r0 x   r1 -what is left   r2, r3 end of weights   r4, r7 acc   r5 x[i]   stack: acc */
  function unit_dot_2_thumb
  push {r4-r7, lr}
  adds r2, r2, r1
  adds r3, r2, r3
  begin 18
  mov r5, r7
  ldr r6, [sp, #20]
  ldr r4, [r6]
  ldr r7, [r6, #4]
  add pc, r5
  nop
1:
  .set index, 0
  .rept 4
  ldrh r5, [r0, #2 * index]
  sxth r5, r5
  product r4, r2
  product r7, r3
  adds r1, #1
  .set index, index + 1
  .endr
  adds r0, #8
  cmp r1, #0
  bne 1b
  ldr r6, [sp, #20]
  str r4, [r6]
  str r7, [r6, #4]
  pop {r4-r7, pc}
  .size unit_dot_2_thumb, . - unit_dot_2_thumb
#endif
#endif
