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

/* Requantizes to int8: add the zero point, then clamp. */
static inline int8_t unit_scale_to_s8(int32_t value, int32_t multiplier, int32_t shift,
                                      int32_t offset, int32_t min, int32_t max) {
  const int32_t scaled = unit_wrapping_add(unit_requantize(value, multiplier, shift), offset);
  return (int8_t)unit_clamp(scaled, min, max);
}

#endif /* UNIT_REQUANTIZE_H_ */
