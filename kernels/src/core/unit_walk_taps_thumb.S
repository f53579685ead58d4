/* unit_walk_taps of unit_loops.h for Cortex-M; C reference: unit_walk_taps.c. Each input jumps into
 * the code of all taps at the last one that it needs. */
#if defined(__thumb__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb
  .section .text.unit_walk_taps_thumb, "ax", %progbits
  .balign 4
  .global unit_walk_taps_thumb
  .type unit_walk_taps_thumb, %function
  .thumb_func
unit_walk_taps_thumb:

  .set TAPS, 16                 /* UNIT_NEEDED_TAPS */
  .set ROWS, 8 * TAPS           /* on the stack, behind the taps */
  .set NEXT_INPUT, 8 * TAPS + 4 /* from the end of a row to the next */
  .set NEXT_POSITION, 8 * TAPS + 8
  .set NEXT_END, 8 * TAPS + 12

#ifdef __thumb2__
/* r0 input   r1 step   r2 needs   r3 position   r4 x   r5 at, count   r6 w   r7 sum
 * r8-r11 the first two taps   ip offset   lr end of the row */
  push {r4-r11, lr}
  sub sp, #8 * TAPS + 20
  ldr r1, [r0, #32]
  mov r2, sp
  .rept TAPS / 4
  ldm r1!, {r4-r11}
  stm r2!, {r4-r11}
  .endr
  ldrd r3, r4, [r0, #16]        /* rows, acc */
  str r3, [sp, #ROWS]
  mov r3, r4
  ldrd r4, r5, [r0, #8]         /* row_step, columns */
  ldr r6, [r0, #24]             /* pitch */
  ldr r2, [r0, #28]
  ldr ip, [r0, #36]
  ldrd r0, r1, [r0]
  str r4, [sp, #NEXT_END]
  mla lr, r1, r5, r0
  mls r4, r1, r5, r4
  str r4, [sp, #NEXT_INPUT]
  subs r6, r5
  lsls r6, #2
  str r6, [sp, #NEXT_POSITION]
  ldrd r8, r9, [sp]
  ldrd r10, r11, [sp, #8]
1:
  ldrsb.w r4, [r0]
  add r0, r1
  ldrb r5, [r2, r4]
  cbz r5, 3f
  add r4, ip
2:
  tbb [pc, r5]
table:
  .byte 0
  .set taps, 1
  .rept TAPS
  .if taps == 1
  .byte (first - table) / 2
  .else
  .byte (second - table - 12 * (taps - 2)) / 2
  .endif
  .set taps, taps + 1
  .endr
  .balign 2
3:
  adds r3, #4
  cmp r0, lr
  bne 1b
  b 4f
  .set taps, TAPS - 1
  .rept TAPS - 2
  ldrd r5, r6, [sp, #8 * taps]
  ldr.n r7, [r3, r5]
  mla r7, r4, r6, r7
  str.n r7, [r3, r5]
  .set taps, taps - 1
  .endr
second:
  ldr.w r7, [r3, r10]
  mla r7, r4, r11, r7
  str.w r7, [r3, r10]
first:
  ldr.w r7, [r3, r8]
  mla r7, r4, r9, r7
  str.w r7, [r3, r8]
  adds r3, #4
  cmp r0, lr
  bne 1b
4:
  ldr r4, [sp, #NEXT_INPUT]
  ldr r5, [sp, #NEXT_POSITION]
  ldr r6, [sp, #NEXT_END]
  ldr r7, [sp, #ROWS]
  add r0, r4
  add r3, r5
  add lr, r6
  subs r7, #1
  str r7, [sp, #ROWS]
  bne 1b
  add sp, #8 * TAPS + 20
  pop {r4-r11, pc}

#else /* Thumb-1 */
/* r0 input   r1 needs   r2 position   r3 x   r4 sum   r5 count, 0 at the next input   r6 at   r7 w
 * r8 step   r9 end of the row   r10 offset */
  push {r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  push {r4-r6}
  sub sp, #8 * TAPS + 16
  ldr r1, [r0, #32]
  mov r2, sp
  .rept TAPS / 2
  ldm r1!, {r4-r7}
  stm r2!, {r4-r7}
  .endr
  ldr r1, [r0, #28]
  ldr r2, [r0, #20]
  ldr r3, [r0, #36]
  mov r10, r3
  ldr r3, [r0, #16]
  str r3, [sp, #ROWS]
  ldr r3, [r0, #8]
  str r3, [sp, #NEXT_END]
  ldr r4, [r0, #12]
  ldr r5, [r0, #4]
  mov r8, r5
  muls r5, r4                   /* elements of a row */
  subs r3, r3, r5
  str r3, [sp, #NEXT_INPUT]
  ldr r3, [r0, #24]
  subs r3, r3, r4
  lsls r3, r3, #2
  str r3, [sp, #NEXT_POSITION]
  ldr r0, [r0]
  adds r5, r5, r0
  mov r9, r5
0:
  movs r5, #0
1:
  ldrsb r3, [r0, r5]
  add r0, r8
  ldrb r5, [r1, r3]
  cmp r5, #0
  beq 3f
  add r3, r10
  adr r6, table
  lsls r5, r5, #1
  ldrh r6, [r6, r5]
  add pc, r6
2:
  .balign 4
table:
  .short 0
  .set taps, 1
  .rept TAPS
  .short last - 12 * taps - 2b - 2
  .set taps, taps + 1
  .endr
  .balign 2
3:
  adds r2, #4
  cmp r0, r9
  bne 1b
  b 4f
  .set taps, TAPS - 1
  .rept TAPS
  ldr r6, [sp, #8 * taps]
  ldr r7, [sp, #8 * taps + 4]
  muls r7, r3
  ldr r4, [r2, r6]
  adds r4, r4, r7
  str r4, [r2, r6]
  .set taps, taps - 1
  .endr
last:
  adds r2, #4
  cmp r0, r9
  beq 4f
  b 0b
4:
  ldr r4, [sp, #NEXT_INPUT]
  adds r0, r0, r4
  ldr r4, [sp, #NEXT_POSITION]
  adds r2, r2, r4
  ldr r4, [sp, #NEXT_END]
  add r9, r4
  ldr r4, [sp, #ROWS]
  subs r4, #1
  str r4, [sp, #ROWS]
  beq 5f
  b 0b
5:
  add sp, #8 * TAPS + 16
  pop {r4-r6}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  pop {r4-r7, pc}
#endif
  .size unit_walk_taps_thumb, . - unit_walk_taps_thumb
#endif
