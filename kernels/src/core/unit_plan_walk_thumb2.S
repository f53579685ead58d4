/* unit_plan_walk of unit_loops.h for cores with Thumb-2; C reference: unit_plan_walk.c.
 *
 * Channel after channel: what the positions share is computed once. The entries of a list are added
 * by straight-line code that is entered where as many are left as count.
 *
 *   of a position: r0 input   r1 positions left   r2 class_of   r3 input_step   r4 activation   r5 class
 *   of a list: r0 classes   r1, r4, r6 scratch   r2 weight   r3 at   r5 acc   r7 x   r8 count
 *     r9 row   r10 the position's acc   r11 length   lr from the class's count to the length */
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
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

/* On the stack: what positions load, what lists load, what channels load. */
#define POSITION 0 /* r0-r3 */
#define LIST 16    /* classes, weight, at, count - 1, row, acc behind the positions, acc_step, offset */
#define LIST_WEIGHT 20
#define LIST_COUNT 28
#define ROW 48
#define INPUT 52
#define FIRST 56
#define CHANNELS 60
#define FRAME 64

#define WINDOW 64
#define ENTRY_BYTES 16 /* of code */

  .section .text.unit_plan_walk_thumb2, "ax", %progbits
  .balign 4
  .global unit_plan_walk_thumb2
  .type unit_plan_walk_thumb2, %function
  .thumb_func
unit_plan_walk_thumb2:
  ldr r1, [r0, #ROW_CRITICAL]
  cbz r1, .Lexact
  b.w unit_plan_walk_c
.Lexact:
  push {r4-r11, lr}
  sub sp, #FRAME
  ldrsh r1, [r0, #ROW_POSITIONS]
  ldrsh r2, [r0, #ROW_ACC_STEP]
  ldr r3, [r0, #ROW_ACC]
  lsl r2, r2, #2
  mla r1, r1, r2, r3
  ldrsh r3, [r0, #ROW_INPUT_OFFSET]
  ldr r4, [r0, #ROW_ROW]
  ldrsh r5, [r0, #ROW_CLASSES]
  strd r4, r1, [sp, #LIST + 16]
  strd r2, r3, [sp, #LIST + 24]
  str r5, [sp, #LIST]
  ldr r1, [r0, #ROW_COUNT]
  subs r1, #1
  str r1, [sp, #LIST_COUNT]
  ldr r2, [r0, #ROW_CLASS_OF]
  ldr r3, [r0, #ROW_INPUT_STEP]
  strd r2, r3, [sp, #POSITION + 8]
  ldr r1, [r0, #ROW_INPUT]
  ldr r2, [r0, #ROW_FIRST]
  strd r0, r1, [sp, #ROW]
  ldrsh r3, [r0, #ROW_CHANNELS]
  strd r2, r3, [sp, #FIRST]

.Lchannel:
  ldrd r0, r1, [sp, #ROW]
  ldr r2, [sp, #FIRST]
  ldr r4, [r2], #4
  adds r3, r1, #1
  str r2, [sp, #FIRST]
  str r3, [sp, #INPUT]
  ldrsh r5, [r0, #ROW_PASSED]
  ldr r6, [sp, #LIST]
  ldr r7, [sp, #LIST_COUNT]
  add r7, r6                  /* length of the first list that is walked */
  b 2f
1:
  sub r7, r6
  ldrb r2, [r7]
  add r4, r2
2:
  subs r5, #1
  bpl 1b
  ldrd r2, r3, [r0, #ROW_WEIGHT]
  add r2, r4
  add r3, r4
  strd r2, r3, [sp, #LIST_WEIGHT]
  ldrsh r4, [r0, #ROW_POSITIONS]
  mov r0, r1
  mov r1, r4
  ldrd r2, r3, [sp, #POSITION + 8]

.Lposition:
  ldrb r4, [r0]
  add r0, r3
  ldrb r5, [r2, r4]
  cbnz r5, .Lactive
.Lnext:
  subs r1, #1
  bne .Lposition
  ldrd r0, r1, [sp, #ROW]
  ldrd r2, r3, [sp, #FIRST]
  ldr r4, [r0, #ROW_COUNT_STEP]
  ldr r5, [sp, #LIST_COUNT]
  add r5, r4
  str r5, [sp, #LIST_COUNT]
  subs r3, #1
  str r3, [sp, #CHANNELS]
  bne .Lchannel
  add sp, #FRAME
  pop {r4-r11, pc}

.Lactive:
  strd r0, r1, [sp, #POSITION]
  add r6, sp, #LIST
  sxtb r7, r4
  ldm r6, {r0, r2, r3, r8, r9, r10, r11, lr}
  add r7, lr
  sub lr, r0, r5
  add r8, r5
  mls r10, r1, r11, r10
  ldrsh r5, [r9], #2
  add r5, r10, r5, lsl #2
.Llist:
  ldrb r6, [r8]
  ldrb r11, [r8, lr]
  add r8, r0
  tbh [pc, r6, lsl #1]
.Ljump:
  .set count, 0
  .rept WINDOW + 1
  .hword (.Lend - .Ljump - count * ENTRY_BYTES) / 2
  .set count, count + 1
  .endr
  .set entry, WINDOW - 1
  .rept WINDOW
  ldrsb.w r6, [r2, #entry]
  ldrb.w r4, [r3, #entry]
  ldr.n r1, [r5, r4]
  mla r1, r6, r7, r1
  str.n r1, [r5, r4]
  .set entry, entry - 1
  .endr
.Lend:
  add r2, r11
  add r3, r11
  ldrsh r5, [r9], #2
  adds r5, r10, r5, lsl #2    /* carries if this is the mark behind the last row */
  bcc.w .Llist
  ldm sp, {r0-r3}
  b .Lnext
  .size unit_plan_walk_thumb2, . - unit_plan_walk_thumb2
#endif
