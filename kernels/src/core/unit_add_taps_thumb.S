/* unit_add_taps_3 of unit_loops.h for cores with Thumb-2; C reference: unit_add_taps_3.c. */
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

/* acc += the products of three neighbours with the weights r8-r10; the third is loaded. */
  .macro output first, second, third
  ldrsh \third, [r1], #2
  ldr r7, [r2]
  mla r7, \first, r8, r7
  mla r7, \second, r9, r7
  mla r7, \third, r10, r7
  str r7, [r2], #4
  .endm

/* r0 tap   r1 x   r2 acc   r3 rows   r4-r6 neighbours   r7 sum   r8-r10 weights   r11 outputs left
 * of a row   ip, lr: where the neighbours are   stack: x of the row */
  .section .text.unit_add_taps_3_thumb, "ax", %progbits
  .balign 4
  .global unit_add_taps_3_thumb
  .type unit_add_taps_3_thumb, %function
  .thumb_func
unit_add_taps_3_thumb:
  push {r4-r11, lr}
  ldrd r4, r5, [r0, #16]      /* weight, weight_tap */
  ldrsb r8, [r4]
  ldrsb r9, [r4, r5]
  ldrsb r10, [r4, r5, lsl #1]
  ldr r2, [r0, #24]
  ldrsh r3, [r0, #28]
  ldr r1, [r0]
  ldr ip, [r0, #4]            /* x_step */
  ldr lr, [r0, #12]           /* x_tap */
  cmp ip, #1
  it eq
  cmpeq lr, #1
  bne 5f
1:
  push {r1}
  ldrsh r11, [r0, #30]
  ldrsh r4, [r1], #2
  ldrsh r5, [r1], #2
2:
  output r4, r5, r6
  subs r11, #1
  beq 3f
  output r5, r6, r4
  subs r11, #1
  beq 3f
  output r6, r4, r5
  subs r11, #1
  bne 2b
3:
  pop {r1}
  ldr r4, [r0, #8]            /* x_row */
  add r1, r1, r4, lsl #1
  subs r3, #1
  bne 1b
  pop {r4-r11, pc}

5: /* any step */
  lsl ip, ip, #1
  lsl lr, lr, #1
6:
  push {r1}
  ldrsh r11, [r0, #30]
7:
  ldrsh r4, [r1]
  ldrsh r5, [r1, lr]
  ldrsh r6, [r1, lr, lsl #1]
  add r1, ip
  ldr r7, [r2]
  mla r7, r4, r8, r7
  mla r7, r5, r9, r7
  mla r7, r6, r10, r7
  str r7, [r2], #4
  subs r11, #1
  bne 7b
  pop {r1}
  ldr r4, [r0, #8]
  add r1, r1, r4, lsl #1
  subs r3, #1
  bne 6b
  pop {r4-r11, pc}
  .size unit_add_taps_3_thumb, . - unit_add_taps_3_thumb
#endif
