/* unit_plan_walk_inputs of unit_loops.h for cores with Thumb-2; C reference:
 * unit_plan_walk_inputs.c. The entries of a list are added by straight-line code that is entered
 * where as many are left as count.
 *
 * r0 input   r1 weight   r2 at - weight   r5 acc   r7 activation, x   r8 count - 1   r9 classes
 * r10 class_of   r11 end   r12 end of the entries' code   lr length, next list   r3, r4, r6 scratch */
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

#define INPUTS_INPUT 0
#define INPUTS_CLASS_OF 8
#define INPUTS_WEIGHT 12
#define INPUTS_CRITICAL 20
#define INPUTS_COUNT 24
#define INPUTS_CLASSES 32
#define INPUTS_INPUT_OFFSET 34

#define WINDOW 64

  .macro look
  ldrb r7, [r0], #1
  ldrb lr, [r8, r9]
  ldrb r6, [r10, r7]
  .endm

  .macro pass_over
  add r1, lr
  add r8, r9
  .endm

  .macro enter is_second=0
  ldrb r6, [r8, r6]
  add lr, r1
  .if \is_second
  adr.w r3, .Lsecond_end + 1
  sub r6, r3, r6, lsl #4      /* 16 bytes of code per entry */
  .else
  sub r6, r12, r6, lsl #4
  .endif
  bx r6
  .endm

  .macro entries
  .rept WINDOW
  ldrb.w r4, [r1, r2]
  ldrsb.w r6, [r1], #1
  ldr.n r3, [r5, r4]
  mla r3, r6, r7, r3
  str.n r3, [r5, r4]
  .endr
  mov r1, lr
  add r8, r9
  .endm

  .section .text.unit_plan_walk_inputs_thumb2, "ax", %progbits
  .balign 4
  .global unit_plan_walk_inputs_thumb2
  .type unit_plan_walk_inputs_thumb2, %function
  .thumb_func
unit_plan_walk_inputs_thumb2:
  ldr r1, [r0, #INPUTS_CRITICAL]
  cbz r1, .Lexact
  b.w unit_plan_walk_inputs_c
.Lexact:
  ldrsh r3, [r0, #INPUTS_INPUT_OFFSET]
  push {r3-r11, lr}
  ldrd r8, r5, [r0, #INPUTS_COUNT]
  subs r8, #1
  ldrsh r9, [r0, #INPUTS_CLASSES]
  ldrd r1, r2, [r0, #INPUTS_WEIGHT]
  subs r2, r2, r1
  ldr r10, [r0, #INPUTS_CLASS_OF]
  ldrd r0, r11, [r0, #INPUTS_INPUT]
  cmp r3, #128
  bne .Lany

/* An offset of 128, what a ReLU leaves: two activations per turn; x is one instruction. */
  adr r12, .Lfirst_end + 1
  subs r4, r11, r0
  lsrs r4, r4, #1
  bcs .Lsecond
.Lfirst:
  look
  cbnz r6, .Lenter_first
  pass_over
.Lsecond:
  look
  cbnz r6, .Lenter_second
  pass_over
  cmp r0, r11
  bne .Lfirst
  b .Ldone
.Lenter_first:
  eor r7, r7, #128
  enter
.Lenter_second:
  eor r7, r7, #128
  enter is_second=1
  entries
  .set .Lfirst_end, . - 4
  look
  cbnz r6, .Lenter_second_too
  pass_over
  cmp r0, r11
  bne.w .Lfirst
  b .Ldone
.Lenter_second_too:
  eor r7, r7, #128
  enter is_second=1
  entries
  .set .Lsecond_end, . - 4
  cmp r0, r11
  bne.w .Lfirst
.Ldone:
  mov r0, r1
  pop {r3-r11, pc}

.Lany:
  adr r12, .Lany_end + 1
.Lnext:
  look
  cbnz r6, .Lenter
  pass_over
  cmp r0, r11
  bne .Lnext
  b .Ldone
.Lenter:
  ldr r4, [sp]
  sxtb r7, r7
  add r7, r4
  enter
  entries
  .set .Lany_end, . - 4
  cmp r0, r11
  bne.w .Lnext
  b .Ldone
  .size unit_plan_walk_inputs_thumb2, . - unit_plan_walk_inputs_thumb2
#endif
