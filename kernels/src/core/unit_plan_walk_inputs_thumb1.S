/* unit_plan_walk_inputs of unit_loops.h for cores with Thumb-1 alone; C reference:
 * unit_plan_walk_inputs.c.
 *
 * r0 weight   r1 at   r2 input, then entries left   r3 length of the list   r6 acc   r7 activation, x
 * r8 input   r9 end   r10 classes   r11 class_of   r12 -ENTRY_BYTES   lr length
 * r3, r4, r5 scratch */
#if defined(__thumb__) && !defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

#define INPUTS_INPUT 0
#define INPUTS_END 4
#define INPUTS_CLASS_OF 8
#define INPUTS_WEIGHT 12
#define INPUTS_AT 16
#define INPUTS_CRITICAL 20
#define INPUTS_COUNT 24
#define INPUTS_ACC 28
#define INPUTS_CLASSES 32
#define INPUTS_INPUT_OFFSET 34

/* On the stack. */
#define OFFSET 0
#define COUNT 4
#define FRAME 8

#define WINDOW 64
#define ENTRY_BYTES 14 /* of code */
#define BEHIND 78      /* bytes of code from the last entry's end to where pc points at the jump */

  .section .text.unit_plan_walk_inputs_thumb1, "ax", %progbits
  .balign 4
  .global unit_plan_walk_inputs_thumb1
  .type unit_plan_walk_inputs_thumb1, %function
  .thumb_func
unit_plan_walk_inputs_thumb1:
  ldr r1, [r0, #INPUTS_CRITICAL]
  cmp r1, #0
  beq .Lexact
  push {r3, lr}              /* the stack stays aligned to 8 bytes */
  bl unit_plan_walk_inputs_c
  pop {r3, pc}
.Lexact:
  push {r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  sub sp, #FRAME
  ldrh r1, [r0, #INPUTS_INPUT_OFFSET]
  sxth r1, r1
  str r1, [sp, #OFFSET]
  ldr r1, [r0, #INPUTS_END]
  mov r9, r1
  ldrh r1, [r0, #INPUTS_CLASSES]
  mov r10, r1
  ldr r1, [r0, #INPUTS_CLASS_OF]
  mov r11, r1
  movs r1, #ENTRY_BYTES
  rsbs r1, r1, #0
  mov r12, r1
  ldr r2, [r0, #INPUTS_INPUT]
  ldr r3, [r0, #INPUTS_COUNT]
  subs r3, #1
  ldr r6, [r0, #INPUTS_ACC]
  ldr r1, [r0, #INPUTS_AT]
  ldr r0, [r0, #INPUTS_WEIGHT]
  b .Lnext

  .rept WINDOW
  subs r2, #1
  ldrsb r3, [r0, r2]
  ldrb r4, [r1, r2]
  ldr r5, [r6, r4]
  muls r3, r7
  adds r5, r5, r3
  str r5, [r6, r4]
  .endr
.Lend:
  add r0, lr
  add r1, lr
  mov r2, r8
  ldr r3, [sp, #COUNT]
  cmp r2, r9
  beq .Ldone
.Lnext:
  ldrb r7, [r2]
  adds r2, #1
  add r3, r10
  ldrb r5, [r3]
  mov r4, r11
  ldrb r4, [r4, r7]
  cmp r4, #0
  bne .Lactive
  adds r0, r0, r5
  adds r1, r1, r5
  cmp r2, r9
  bne .Lnext
.Ldone:
  add sp, #FRAME
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}

.Lactive:
  mov r8, r2
  mov lr, r5
  str r3, [sp, #COUNT]
  mov r2, r10
  subs r4, r4, r2
  ldrb r2, [r3, r4]
  sxtb r7, r7
  ldr r4, [sp, #OFFSET]
  adds r7, r7, r4
  mov r5, r12
  muls r5, r2
  subs r5, #BEHIND
  add pc, r5                  /* pc reads as 4 more than the address of this instruction */
  .if . + 2 - .Lend != BEHIND
  .error "BEHIND is wrong"
  .endif
  .size unit_plan_walk_inputs_thumb1, . - unit_plan_walk_inputs_thumb1
#endif
