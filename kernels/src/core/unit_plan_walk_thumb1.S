/* unit_plan_walk of unit_loops.h for cores with Thumb-1 alone; C reference: unit_plan_walk.c.
 *
 * Channel after channel, as in unit_plan_walk_thumb2.S.
 *
 *   of a position: r0 input   r1 positions left   r2 class_of   r3 input_step   r4 activation   r5 class
 *   of a list: r0 weight   r1 at   r2 entries left   r6 acc   r7 x   r8 count   r9 classes   r10 row
 *     r11 length   r12 -ENTRY_BYTES   lr from the class's count to the length
 *     r3, r4, r5 scratch */
#if defined(__thumb__) && !defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

#define ROW_INPUT 0
#define ROW_CLASS_OF 4
#define ROW_WEIGHT 8
#define ROW_AT 12
#define ROW_CRITICAL 16
#define ROW_COUNT 20
#define ROW_FIRST 24
#define ROW_ROW 28
#define ROW_ACC 32
#define ROW_INPUT_STEP 36
#define ROW_COUNT_STEP 40
#define ROW_ACC_STEP 44
#define ROW_POSITIONS 46
#define ROW_CHANNELS 48
#define ROW_PASSED 50
#define ROW_CLASSES 54
#define ROW_INPUT_OFFSET 56

/* On the stack. */
#define POSITION 0
#define LEFT 4
#define WEIGHT 8
#define AT 12
#define COUNT 16   /* less 1 */
#define ROWS 20
#define ACC_END 24 /* acc behind the positions */
#define ACC_STEP 28
#define OFFSET 32
#define ACC 36     /* of the position */
#define ROW 40
#define INPUT 44
#define FIRST 48
#define CHANNELS 52
#define CLASS_OF 56
#define STEP 60
#define FRAME 64

#define WINDOW 64
#define ENTRY_BYTES 14 /* of code */
#define BEHIND 44      /* bytes of code from the last entry's end to where pc points at the jump */

/* ldrsh has no form with a constant. */
  .macro load_short to, from, offset
  ldrh \to, [\from, #\offset]
  sxth \to, \to
  .endm

  .section .text.unit_plan_walk_thumb1, "ax", %progbits
  .balign 4
  .global unit_plan_walk_thumb1
  .type unit_plan_walk_thumb1, %function
  .thumb_func
unit_plan_walk_thumb1:
  ldr r1, [r0, #ROW_CRITICAL]
  cmp r1, #0
  beq .Lexact
  push {r3, lr}              /* the stack stays aligned to 8 bytes */
  bl unit_plan_walk_c
  pop {r3, pc}
.Lexact:
  push {r4-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  sub sp, #FRAME
  load_short r1, r0, ROW_POSITIONS
  load_short r2, r0, ROW_ACC_STEP
  lsls r2, r2, #2
  muls r1, r2
  ldr r3, [r0, #ROW_ACC]
  adds r1, r1, r3
  str r1, [sp, #ACC_END]
  str r2, [sp, #ACC_STEP]
  load_short r1, r0, ROW_INPUT_OFFSET
  str r1, [sp, #OFFSET]
  ldr r1, [r0, #ROW_ROW]
  str r1, [sp, #ROWS]
  load_short r1, r0, ROW_CLASSES
  mov r9, r1
  ldr r1, [r0, #ROW_COUNT]
  subs r1, #1
  str r1, [sp, #COUNT]
  ldr r1, [r0, #ROW_CLASS_OF]
  str r1, [sp, #CLASS_OF]
  ldr r1, [r0, #ROW_INPUT_STEP]
  str r1, [sp, #STEP]
  ldr r1, [r0, #ROW_INPUT]
  str r1, [sp, #INPUT]
  ldr r1, [r0, #ROW_FIRST]
  str r1, [sp, #FIRST]
  load_short r1, r0, ROW_CHANNELS
  str r1, [sp, #CHANNELS]
  str r0, [sp, #ROW]
  movs r1, #ENTRY_BYTES
  rsbs r1, r1, #0
  mov r12, r1
  b .Lchannel

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
  add r0, r11
  add r1, r11
  mov r4, r10
.Llist:
  ldrh r6, [r4]
  adds r4, #2
  mov r10, r4
  lsls r6, r6, #17            /* carries if this is the mark behind the last row */
  bcs .Ldone
  lsrs r6, r6, #15
  ldr r3, [sp, #ACC]
  adds r6, r6, r3
  mov r3, r8
  ldrb r2, [r3]
  mov r4, lr
  ldrb r4, [r3, r4]
  mov r11, r4
  add r8, r9
  mov r5, r12
  muls r5, r2
  subs r5, #BEHIND
  add pc, r5                  /* pc reads as 4 more than the address of this instruction */
  .if . + 2 - .Lend != BEHIND
  .error "BEHIND is wrong"
  .endif

.Ldone:
  ldr r0, [sp, #POSITION]
  ldr r1, [sp, #LEFT]
  ldr r2, [sp, #CLASS_OF]
  ldr r3, [sp, #STEP]
  b .Lnext

.Lactive:
  str r0, [sp, #POSITION]
  str r1, [sp, #LEFT]
  sxtb r7, r4
  ldr r4, [sp, #OFFSET]
  adds r7, r7, r4
  mov r4, r9
  subs r4, r4, r5
  mov lr, r4
  ldr r4, [sp, #COUNT]
  adds r4, r4, r5
  mov r8, r4
  ldr r4, [sp, #ACC_STEP]
  muls r4, r1
  ldr r6, [sp, #ACC_END]
  subs r6, r6, r4
  str r6, [sp, #ACC]
  ldr r0, [sp, #WEIGHT]
  ldr r1, [sp, #AT]
  ldr r4, [sp, #ROWS]
  b .Llist

.Lchannel:
  ldr r0, [sp, #ROW]
  ldr r2, [sp, #FIRST]
  ldm r2!, {r4}
  str r2, [sp, #FIRST]
  load_short r5, r0, ROW_PASSED
  ldr r7, [sp, #COUNT]
  add r7, r9                  /* length of the first list that is walked */
  mov r6, r9
  b 2f
1:
  subs r7, r7, r6
  ldrb r2, [r7]
  adds r4, r4, r2
2:
  subs r5, #1
  bpl 1b
  ldr r2, [r0, #ROW_WEIGHT]
  adds r2, r2, r4
  str r2, [sp, #WEIGHT]
  ldr r2, [r0, #ROW_AT]
  adds r2, r2, r4
  str r2, [sp, #AT]
  load_short r1, r0, ROW_POSITIONS
  ldr r0, [sp, #INPUT]
  adds r2, r0, #1
  str r2, [sp, #INPUT]
  ldr r2, [sp, #CLASS_OF]
  ldr r3, [sp, #STEP]

.Lposition:
  ldrb r4, [r0]
  adds r0, r0, r3
  ldrb r5, [r2, r4]
  cmp r5, #0
  bne .Lactive
.Lnext:
  subs r1, #1
  bne .Lposition
  ldr r0, [sp, #ROW]
  ldr r1, [r0, #ROW_COUNT_STEP]
  ldr r2, [sp, #COUNT]
  adds r2, r2, r1
  str r2, [sp, #COUNT]
  ldr r1, [sp, #CHANNELS]
  subs r1, #1
  str r1, [sp, #CHANNELS]
  bne .Lchannel
  add sp, #FRAME
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r4-r7, pc}
  .size unit_plan_walk_thumb1, . - unit_plan_walk_thumb1
#endif
