/* unit_plan_walk_inputs of unit_loops.h for cores with Thumb-2; C reference:
 * unit_plan_walk_inputs.c. The entries of a list are added by straight-line code that is entered
 * where as many are left as count.
 *
 * r0 input   r1 weight   r2 at - weight   r5 acc   r7 activation, x   r8 count - 1   r9 classes
 * r10 class_of   r11 end   r12 table of jumps, or input offset   lr next list   r3, r4, r6 scratch */
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
#define ENTRY_BYTES 14 /* of code */

/* place: of the activation among those that r8 stands for, 1 or 2. r3: length of its list. */
  .macro look place=1
  ldrb r7, [r0], #1
  ldrb r3, [r8, r9, lsl #(\place - 1)]
  ldrb r6, [r10, r7]
  .endm

/* From the class in r6. */
  .macro count_entries place=1
  .if \place == 2
  add r6, r9
  .endif
  ldrb r6, [r8, r6]
  .endm

  .macro next_two
  add r8, r8, r9, lsl #1
  cmp r0, r11
  .endm

/* Where to go on with 0 .. WINDOW entries, for the tbh that ends at `from`. */
  .macro jumps from, end
  .set count, 0
  .rept WINDOW + 1
  .hword (\end - \from - count * ENTRY_BYTES) / 2
  .set count, count + 1
  .endr
  .endm

  .macro jump end
  tbh [pc, r6, lsl #1]
.Ljump_\@:
  jumps .Ljump_\@, \end
  .endm

  .macro entries end
  .rept WINDOW
  ldrb.n r4, [r1, r2]
  ldrsb.w r6, [r1], #1
  ldr.n r3, [r5, r4]
  mla r3, r6, r7, r3
  str.n r3, [r5, r4]
  .endr
\end:
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
  ldrsh r12, [r0, #INPUTS_INPUT_OFFSET]
  push {r4-r11, lr}
  ldrd r8, r5, [r0, #INPUTS_COUNT]
  subs r8, #1
  ldrsh r9, [r0, #INPUTS_CLASSES]
  ldrd r1, r2, [r0, #INPUTS_WEIGHT]
  subs r2, r2, r1
  ldr r10, [r0, #INPUTS_CLASS_OF]
  ldrd r0, r11, [r0, #INPUTS_INPUT]
  cmp r12, #128
  bne.w .Lany

/* An offset of 128, what a ReLU leaves: two activations per turn; x is one instruction. Behind
 * entries the next list is at lr, and r1 is made from it where it is needed. */
  adr.w r12, .Lsecond_jumps
  subs r4, r11, r0
  lsrs r4, r4, #1
  bcc .Lfirst
  sub r8, r9
  b .Lsecond
.Lfirst_after:
  look
  cbnz r6, .Lenter_first_after
  add r1, lr, r3
  look 2
  cbnz r6, .Lenter_second
  add r1, r3
  next_two
  beq .Ldone
.Lfirst:
  look
  cbnz r6, .Lenter_first
  add r1, r3
.Lsecond:
  look 2
  cbnz r6, .Lenter_second
  add r1, r3
  next_two
  bne .Lfirst
.Ldone:
  mov r0, r1
  pop {r4-r11, pc}
.Lenter_second:
  add lr, r1, r3
  eor r7, r7, #128
  count_entries 2
  tbh [r12, r6, lsl #1]
.Lsecond_jump:
.Lenter_first_after:
  mov r1, lr
.Lenter_first:
  add lr, r1, r3
  eor r7, r7, #128
  count_entries
  jump .Lfirst_end
  entries .Lfirst_end
  look 2
  cbnz r6, .Lenter_second_after
  add r1, lr, r3
  next_two
  bne.w .Lfirst
  b .Ldone
.Lenter_second_after:
  mov r1, lr
  add lr, r3
  eor r7, r7, #128
  count_entries 2
  jump .Lsecond_end
  entries .Lsecond_end
  next_two
  bne.w .Lfirst_after
.Ldone_after:
  mov r0, lr
  pop {r4-r11, pc}
.Lsecond_jumps:
  jumps .Lsecond_jump, .Lsecond_end

.Lany:
  look
  cbnz r6, .Lenter
  add r1, r3
  add r8, r9
  cmp r0, r11
  bne .Lany
  b .Ldone
.Lenter:
  add lr, r1, r3
  sxtb r7, r7
  add r7, r12
  count_entries
  jump .Lany_end
  entries .Lany_end
  mov r1, lr
  add r8, r9
  cmp r0, r11
  bne.w .Lany
  b .Ldone_after
  .size unit_plan_walk_inputs_thumb2, . - unit_plan_walk_inputs_thumb2
#endif
