/* Internal: fixed-point arithmetic shared by the kernels, bit-exact with TFLM's int8 reference
 * (double rounding) and defined for every input: sums and left shifts wrap around as on the cores
 * that TFLM runs on. Right shifts of negative numbers are arithmetic on every supported compiler.
 */
#ifndef UNIT_REQUANTIZE_H_
#define UNIT_REQUANTIZE_H_

#include "unit_loops.h"

static inline int32_t unit_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t unit_clamp(int32_t value, int32_t min, int32_t max) {
  return value < min ? min : value > max ? max : value;
}

/* GCC has the instruction as a builtin function from version 10 on; Clang claims it for Cortex-M23,
 * which has no Thumb-2. */
#if defined(__ARM_FEATURE_SAT) && defined(__thumb2__) && \
    (defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 10))
#define UNIT_HAS_SSAT
#endif

/* Clamps to int8. */
static inline int32_t unit_saturate(int32_t value) {
#ifdef UNIT_HAS_SSAT
  return (int32_t)__builtin_arm_ssat(value, 8);
#else
  return unit_clamp(value, INT8_MIN, INT8_MAX);
#endif
}

/* The same for values from -128 on. */
static inline int32_t unit_saturate_above(int32_t value) {
#ifdef UNIT_HAS_SSAT
  return unit_saturate(value);
#else
  return value > INT8_MAX ? INT8_MAX : value;
#endif
}

/* a * b / 2^31, rounded to nearest, ties towards +infinity. Not for a == b == INT32_MIN. */
static inline int32_t unit_high_mul_c(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* value / 2^exponent, rounded to nearest, ties away from zero. value: larger than INT32_MIN;
 * exponent: 0..31. */
static inline int32_t unit_rounding_shift(int32_t value, int32_t exponent) {
  if (exponent == 0) return value;
  /* Ties of negative numbers go down. The last bit is shifted out after rounding. */
  const int32_t shifted = (value - (value < 0 ? 1 : 0)) >> (exponent - 1);
  return unit_wrapping_add(shifted, 1) >> 1;
}

/* value * multiplier * 2^(shift - 31). multiplier: 0..2^31-1; shift: -31..30. */
static inline int32_t unit_requantize_c(int32_t value, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t shifted = (int32_t)((uint32_t)value << left);
  return unit_rounding_shift(unit_high_mul_c(shifted, multiplier), left - shift);
}

#ifdef UNIT_MSP430_LOOPS
int32_t unit_high_mul_msp430(int32_t a, int32_t b);
int32_t unit_requantize_msp430(int32_t value, int32_t multiplier, int32_t shift);
#endif
#define unit_high_mul UNIT_LOOP(unit_high_mul)
#define unit_requantize UNIT_LOOP(unit_requantize)

/* Cores whose multiplier yields 32 bits only (ARMv6-M, ARMv8-M Baseline): 64-bit products are
 * library calls. */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1 && !defined(__ARM_ARCH_ISA_ARM)
#define UNIT_32_BIT_PRODUCTS
#endif

/* Requantization with both roundings in one sum, which holds for shifts below -1:
 *   (value * multiplier + 2^30 + 2^(30 - shift) - (value < 0 ? 2^31 : 0)) >> (31 - shift)
 * The first rounding is 2^30; the second is 2^(30 - shift) less one unit of the first result where
 * that is negative, so that ties go away from zero. A first result of 0 may have either sign. The
 * output offset joins the sum. */
typedef struct {
  int32_t multiplier;
  int32_t high; /* of the sum's constant part: the upper 32 bits */
  int32_t shift;
} unit_scale;

#define UNIT_SCALE_SHIFTS 21 /* that unit_scale covers: -2 and the 20 below */

static inline int unit_scale_covers(int32_t shift) {
  return (uint32_t)(-2 - shift) < UNIT_SCALE_SHIFTS;
}

/* What unit_scale_of() wants to know of the output offset, -128..127. */
static inline int32_t unit_scale_offset(int32_t offset) { return 1 + 2 * offset; }

/* shift: covered */
static inline unit_scale unit_scale_of(int32_t multiplier, int32_t shift, int32_t scale_offset) {
  unit_scale scale;
  scale.multiplier = multiplier;
  scale.high = (int32_t)((uint32_t)scale_offset << (-2 - shift));
  scale.shift = -1 - shift;
  return scale;
}

#ifdef UNIT_32_BIT_PRODUCTS
/* The upper half of value * multiplier + high * 2^32 + low, from products of 16-bit halves. */
static inline int32_t unit_scale_high(int32_t multiplier, int32_t value, int32_t high,
                                      uint32_t low) {
  const uint32_t multiplier_high = (uint32_t)multiplier >> 16;
  const uint32_t multiplier_low = (uint32_t)multiplier & 0xffff;
  const uint32_t value_low = (uint32_t)value & 0xffff;
  const int32_t value_high = value >> 16;
  const int32_t upper = value_high * (int32_t)multiplier_low;
  const uint32_t middle = value_low * multiplier_high + ((value_low * multiplier_low) >> 16) +
                          ((uint32_t)upper & 0xffff) + (low >> 16);
  return value_high * (int32_t)multiplier_high + (upper >> 16) + (int32_t)(middle >> 16) + high;
}
#else
/* The upper half of value * multiplier + high * 2^32 + low */
static inline int32_t unit_scale_high(int32_t multiplier, int32_t value, int32_t high,
                                      uint32_t low) {
#if defined(__arm__) && defined(__GNUC__)
  /* GCC takes two multiplications where it knows the sign of one factor. */
  __asm__("smlal %0, %1, %2, %3" : "+&r"(low), "+&r"(high) : "r"(value), "r"(multiplier));
  return high;
#else
  const uint64_t rounding = (uint64_t)(uint32_t)high << 32 | low;
  return (int32_t)(((int64_t)value * multiplier + (int64_t)rounding) >> 32);
#endif
}
#endif

/* Requantized with the offset. */
static inline int32_t unit_scaled(const unit_scale *scale, int32_t value) {
  const uint32_t low = ((uint32_t)1 << 30) | ((uint32_t)value & (uint32_t)1 << 31);
  return unit_scale_high(scale->multiplier, value, scale->high + (value >> 31), low) >>
         scale->shift;
}

/* Requantizes to int8: add the zero point, then clamp. */
static inline int8_t unit_scale_to_s8(int32_t value, int32_t multiplier, int32_t shift,
                                      int32_t offset, int32_t min, int32_t max) {
  const int32_t scaled = unit_wrapping_add(unit_requantize(value, multiplier, shift), offset);
  return (int8_t)unit_clamp(scaled, min, max);
}

#endif /* UNIT_REQUANTIZE_H_ */
