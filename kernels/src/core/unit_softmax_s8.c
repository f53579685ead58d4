/* The fixed-point exponential and reciprocal of gemmlowp, which TFLM's int8 softmax uses. Qn means
 * n integer bits: a raw value r stands for r / 2^(31 - n). */
#include "unit_functions.h"
#include "unit_requantize.h"

#define SUM_INTEGER_BITS 12
#define ONE_Q0 INT32_MAX
#define ONE_Q2 ((int32_t)1 << 29)
#define EIGHTH_Q0 ((int32_t)1 << 28)
#define QUARTER_Q5 ((int32_t)1 << 24)

/* value * 2^bits, saturated. */
static int32_t saturating_shift_left(int32_t value, int32_t bits) {
  const int32_t limit = (int32_t)(((uint32_t)1 << (31 - bits)) - 1);
  if (value > limit) return INT32_MAX;
  if (value < -limit) return INT32_MIN;
  return (int32_t)((uint32_t)value << bits);
}

/* exp of a Q0 value in [-1/4, 0): the Taylor polynomial of degree 4 around -1/8. */
static int32_t exp_of_fraction(int32_t value) {
  const int32_t exp_minus_eighth = 1895147668;
  const int32_t third = 715827883;
  const int32_t x = value + EIGHTH_Q0;
  const int32_t x2 = unit_high_mul(x, x);
  const int32_t x3 = unit_high_mul(x2, x);
  const int32_t x4 = unit_high_mul(x2, x2);
  const int32_t cubic = unit_high_mul(unit_rounding_shift(x4, 2) + x3, third);
  const int32_t series = x + unit_rounding_shift(cubic + x2, 1);
  return exp_minus_eighth + unit_high_mul(exp_minus_eighth, series);
}

/* exp of a Q5 value <= 0, in Q0. */
static int32_t exp_of_negative(int32_t value) {
  /* exp(-2^k) for k = -2..4 in Q0. */
  static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308,
                                    39332535,   720401,     242};
  if (value == 0) return ONE_Q0;
  const int32_t fraction = (value & (QUARTER_Q5 - 1)) - QUARTER_Q5;
  const int32_t quarters = (fraction - value) / QUARTER_Q5;
  int32_t result = exp_of_fraction(fraction * 32);
  for (int32_t k = 0; k < 7; k++) {
    if (quarters >> k & 1) result = unit_high_mul(result, powers[k]);
  }
  return result;
}

/* 1 / (1 + value) in Q0 for a Q0 value in [0, 1): Newton's method on the halved denominator. */
static int32_t reciprocal_of_one_plus(int32_t value) {
  const int32_t start = 1515870810;  /* 48 / 17 in Q2 */
  const int32_t slope = -1010580540; /* -32 / 17 in Q2 */
  const int32_t half_denominator = (value >> 1) + ((int32_t)1 << 30);
  int32_t x = start + unit_high_mul(half_denominator, slope);
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = ONE_Q2 - unit_high_mul(half_denominator, x);
    x += saturating_shift_left(unit_high_mul(x, error), 2);
  }
  return saturating_shift_left(x, 1);
}

static int32_t leading_zeros(int32_t value) {
  int32_t zeros = 0;
  for (uint32_t v = (uint32_t)value; !(v & (uint32_t)1 << 31); v <<= 1) zeros++;
  return zeros;
}

#define KEPT 16 /* exponentials of a row that are not computed twice */

/* What the exponentials of a row need. */
typedef struct {
  const int8_t *input;
  int32_t max;
  int32_t multiplier;
  int32_t shift;
  int32_t diff_min;
  int32_t kept[KEPT];
} row;

/* exp(input[i] - max) in Q0, or -1 where that is too small to count. */
static int32_t exponential_of(const row *r, int32_t i) {
  const int32_t diff = (int32_t)r->input[i] - r->max;
  if (diff < r->diff_min) return -1;
  return exp_of_negative(unit_requantize(diff, r->multiplier, r->shift));
}

/* Sum of the exponentials of a row in Q12, at least 1, saturated. */
static int32_t sum_of_exponentials(row *r, int32_t row_size) {
  int32_t sum = 0;
  for (int32_t i = 0; i < row_size; i++) {
    const int32_t exponential = exponential_of(r, i);
    if (i < KEPT) r->kept[i] = exponential;
    if (exponential < 0) continue;
    const int32_t term = unit_rounding_shift(exponential, SUM_INTEGER_BITS);
    sum = term > INT32_MAX - sum ? INT32_MAX : sum + term;
  }
  return sum;
}

static void softmax_row(row *r, int32_t row_size, int8_t *output) {
  r->max = INT8_MIN;
  for (int32_t i = 0; i < row_size; i++) {
    if (r->input[i] > r->max) r->max = r->input[i];
  }
  const int32_t sum = sum_of_exponentials(r, row_size);
  const int32_t zeros = leading_zeros(sum);
  const int32_t mantissa = (int32_t)(((uint32_t)sum << zeros) - ((uint32_t)1 << 31));
  const int32_t scale = reciprocal_of_one_plus(mantissa);
  const int32_t exponent = SUM_INTEGER_BITS - zeros + 31 - 8;
  for (int32_t i = 0; i < row_size; i++) {
    const int32_t exponential = i < KEPT ? r->kept[i] : exponential_of(r, i);
    int32_t value = 0;
    /* From a sum of 512 on the exponent passes 31 and every probability rounds to 0. */
    if (exponential >= 0 && exponent <= 31) {
      value = unit_rounding_shift(unit_high_mul(scale, exponential), exponent);
    }
    output[i] = (int8_t)unit_clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
  }
}

unit_status unit_softmax_s8(const int8_t *input, int32_t rows, int32_t row_size, int32_t multiplier,
                            int32_t shift, int32_t diff_min, int8_t *output) {
  if (row_size < 1 || diff_min > 0) return UNIT_ARG_ERROR;
  row r = {input, 0, multiplier, shift, diff_min, {0}};
  for (; rows > 0; rows--, r.input += row_size, output += row_size) {
    softmax_row(&r, row_size, output);
  }
  return UNIT_SUCCESS;
}
