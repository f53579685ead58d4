/* unit_store of unit_output.h for cores with Thumb-2: channels with a bias and with multipliers and
 * shifts of their own, clamped to int8 or behind a ReLU; everything else is left to the C reference,
 * unit_store.c.
 *
 * r1 acc   r2 behind the last output   r3 output   r4 bias   r5 compensation or 0   r6 multiplier
 * r7 shift   r8 the offset as unit_scale takes it   r9 floor   r10 sum   r11 the channel's multiplier
 * r0, r12, lr scratch: the sum of unit_requantize.h is r0:r12 */
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
  .syntax unified
  .thumb

#define OUTPUTS_BIAS 0
#define OUTPUTS_MULTIPLIER 8
#define OUTPUTS_IS_PER_CHANNEL 16
#define OUTPUTS_OFFSET 18
#define OUTPUTS_FLOOR 32
#define OUTPUTS_KIND 44

#define LIMITS_INT8 1
#define LIMITS_RELU 2

#define SHIFTS 21 /* UNIT_SCALE_SHIFTS */

/* The flags tell the sum's sign. */
  .macro add_terms
  ldr r10, [r1], #4
  ldr r11, [r4], #4
  adds r10, r11
  cbz r5, 1f
  ldr r11, [r5], #4
  adds r10, r11
1:
  ldr r11, [r6], #4
  ldr r12, [r7], #4
  .endm

/* r0 = -2 - shift, lr = -1 - shift */
  .macro check_shift
  mvn lr, r12
  sub r0, lr, #1
  cmp r0, #SHIFTS
  bhs .Lexact
  .endm

  .macro store value
  strb \value, [r3], #1
  cmp r3, r2
  .endm

  .section .text.unit_store_thumb2, "ax", %progbits
  .balign 4
  .global unit_store_thumb2
  .type unit_store_thumb2, %function
  .thumb_func
unit_store_thumb2:
  ldr r12, [r0, #OUTPUTS_BIAS]
  cmp r12, #0
  beq .Lreference
  ldrh r12, [r0, #OUTPUTS_IS_PER_CHANNEL]
  cmp r12, #0
  beq .Lreference
  ldrb r12, [r0, #OUTPUTS_KIND]
  cmp r12, #LIMITS_INT8
  blo .Lreference
  push {r0, r4-r11, lr}
  add r2, r3
  ldrd r4, r5, [r0, #OUTPUTS_BIAS]
  ldrd r6, r7, [r0, #OUTPUTS_MULTIPLIER]
  ldrsh r8, [r0, #OUTPUTS_OFFSET]
  lsl r8, r8, #1
  add r8, #1
  ldr r9, [r0, #OUTPUTS_FLOOR]
  bne .Lrelu

.Lint8:
  add_terms
  check_shift
  lsl r0, r8, r0
  and r12, r10, #0x80000000
  orr r12, r12, #0x40000000
  add r0, r0, r10, asr #31
  smlal r12, r0, r10, r11
  asr r0, lr
  ssat r0, #8, r0
  store r0
  bne .Lint8
  pop {r0, r4-r11, pc}

.Lreference:
  b.w unit_store_c

.Lnegative:
  cmp r12, #0
  bge .Lexact                 /* without shifting to the right, the largest sums wrap around */
  store r9
  beq .Ldone
.Lrelu:
  add_terms
  bmi .Lnegative
  check_shift
  lsl r0, r8, r0
  mov r12, #0x40000000
  smlal r12, r0, r10, r11
  asr r0, lr
  ssat r0, #8, r0
  store r0
  bne .Lrelu
.Ldone:
  pop {r0, r4-r11, pc}

.Lexact:
  push {r1-r4}                /* the stack stays aligned to 8 bytes */
  ldr r0, [sp, #16]
  mov r1, r10
  mov r2, r11
  mov r3, r12
  bl unit_output_exact
  pop {r1-r4}
  store r0
  beq .Ldone
  ldr r0, [sp]
  ldrb r0, [r0, #OUTPUTS_KIND]
  cmp r0, #LIMITS_RELU
  beq .Lrelu
  b .Lint8
  .size unit_store_thumb2, . - unit_store_thumb2
#endif
