/* unit_walk_sorted, .._4, .._row and unit_fill of unit_loops.h for Cortex-M; C references:
 * unit_walk_sorted.c, unit_fill.c. Loops are entered in the middle, so that they need no second
 * loop for what is left over. */
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

/* r0 at   r1 x   r2 count   r3 w   stack: acc */
  function unit_walk_sorted_thumb
  push {r4, r5, r6, lr}
  add ip, r0, r2, lsl #1      /* end of at */
  rsb r5, r2, #0
  ldr r4, [sp, #16]
  and r5, r5, #7              /* survivors that the first turn leaves out */
  lsl r5, r5, #4              /* 16 bytes of code each */
  add pc, r5
  nop
1:
  .rept 8
  ldrh.w r5, [r0], #2
  ldrb.w r6, [r1], #1
  ldr.n r2, [r4, r5]
  mla r2, r6, r3, r2
  str.n r2, [r4, r5]
  .endr
  cmp r0, ip
  bne 1b
  pop {r4, r5, r6, pc}
  .size unit_walk_sorted_thumb, . - unit_walk_sorted_thumb

/* r0 at   r1 x   r2 count   r3 taps   then: r2 offset   r3 x   r4-r7 acc   r8-r11 w   lr end */
  function unit_walk_sorted_4_thumb
  push {r4-r11, lr}
  add lr, r0, r2, lsl #1
  ldm r3, {r4, r8}
  ldrd r5, r9, [r3, #8]
  ldrd r6, r10, [r3, #16]
  ldrd r7, r11, [r3, #24]
  sxth r8, r8
  sxth r9, r9
  sxth r10, r10
  sxth r11, r11
  rsb r2, r2, #0
  and r2, r2, #3
  movs r3, #56                /* bytes of code per survivor */
  mul r2, r2, r3
  add pc, r2
  nop
1:
  .rept 4
  ldrh.w r2, [r0], #2
  ldrb.w r3, [r1], #1
  ldr.w ip, [r4, r2]
  mla ip, r3, r8, ip
  str.w ip, [r4, r2]
  ldr.w ip, [r5, r2]
  mla ip, r3, r9, ip
  str.w ip, [r5, r2]
  ldr.w ip, [r6, r2]
  mla ip, r3, r10, ip
  str.w ip, [r6, r2]
  ldr.w ip, [r7, r2]
  mla ip, r3, r11, ip
  str.w ip, [r7, r2]
  .endr
  cmp r0, lr
  bne 1b
  pop {r4-r11, pc}
  .size unit_walk_sorted_4_thumb, . - unit_walk_sorted_4_thumb

/* r0 at   r1 x   r2 count   r3 taps   then: r2 position   r3 x   r4-r7 sums   r8-r11 w   ip acc
 * lr end */
  function unit_walk_sorted_row_thumb
  push {r4-r11, lr}
  add lr, r0, r2, lsl #1
  ldrsh r8, [r3, #4]
  ldrsh r9, [r3, #12]
  ldrsh r10, [r3, #20]
  ldrsh r11, [r3, #28]
  ldr ip, [r3, #24]
  rsb r2, r2, #0
  and r2, r2, #3
  movs r3, #36                /* bytes of code per survivor */
  mul r2, r2, r3
  add pc, r2
  nop
1:
  .rept 4
  ldrh.w r2, [r0], #2
  ldrb.w r3, [r1], #1
  add.w r2, r2, ip
  ldm.w r2, {r4-r7}
  mla r4, r3, r11, r4
  mla r5, r3, r10, r5
  mla r6, r3, r9, r6
  mla r7, r3, r8, r7
  stm.w r2, {r4-r7}
  .endr
  cmp r0, lr
  bne 1b
  pop {r4-r11, pc}
  .size unit_walk_sorted_row_thumb, . - unit_walk_sorted_row_thumb

#else /* Thumb-1 */

/* r0 at   r1 x   r2 count   r3 w   stack: acc. r8: end of at */
  function unit_walk_sorted_thumb
  push {r4-r7, lr}
  mov r7, r8
  push {r7}
  ldr r4, [sp, #24]
  lsls r5, r2, #1
  adds r5, r5, r0
  mov r8, r5
  rsbs r5, r2, #0
  movs r6, #7
  ands r5, r6                 /* survivors that the first turn leaves out */
  subs r1, r1, r5
  lsls r6, r5, #1
  subs r0, r0, r6
  movs r6, #12                /* bytes of code per survivor */
  muls r5, r6
  add pc, r5
  nop
1:
  .set index, 0
  .rept 8
  ldrb r6, [r1, #index]
  ldrh r5, [r0, #2 * index]
  muls r6, r3
  ldr r2, [r4, r5]
  adds r2, r2, r6
  str r2, [r4, r5]
  .set index, index + 1
  .endr
  adds r0, #16
  adds r1, #8
  cmp r0, r8
  bne 1b
  pop {r7}
  mov r8, r7
  pop {r4-r7, pc}
  .size unit_walk_sorted_thumb, . - unit_walk_sorted_thumb

#endif

/* r0 to   r1 count   r2 value */
  function unit_fill_thumb
  push {r4, r5, r6, lr}
  mov r3, r2
  mov r4, r2
  mov r5, r2
  subs r1, #16
  blo 2f
1:
  stm r0!, {r2-r5}
  stm r0!, {r2-r5}
  stm r0!, {r2-r5}
  stm r0!, {r2-r5}
  subs r1, #16
  bhs 1b
2:
  adds r1, #16
  beq 4f
3:
  stm r0!, {r2}
  subs r1, #1
  bne 3b
4:
  pop {r4, r5, r6, pc}
  .size unit_fill_thumb, . - unit_fill_thumb
#endif
