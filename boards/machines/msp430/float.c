/* Single precision, rounded to nearest even, subnormals included: what clang calls on MSP430
 * (SLAA534 section 6.3). __mspabi_cmpf has one result for "unordered", less than: comparisons of a
 * NaN with > and >= are false, those with < and <= true. Double precision is absent. */
#include <stdint.h>

#define SIGN 0x80000000u
#define INFINITE 0x7F800000u
#define QUIET_NAN 0x7FC00000u
#define HIDDEN 0x00800000u
#define LEADING 0x40000000u /* the hidden bit where pack() expects it: 7 bits are for rounding */

float __mspabi_addf(float a, float b);
float __mspabi_subf(float a, float b);
float __mspabi_mpyf(float a, float b);
float __mspabi_divf(float a, float b);
int __mspabi_cmpf(float a, float b);
int __unordsf2(float a, float b);
int32_t __mspabi_fixfli(float a);
uint32_t __mspabi_fixful(float a);
int64_t __mspabi_fixflli(float a);
uint64_t __mspabi_fixfull(float a);
float __mspabi_fltlif(int32_t a);
float __mspabi_fltulf(uint32_t a);
float __mspabi_fltllif(int64_t a);
float __mspabi_fltullf(uint64_t a);

typedef union {
  float value;
  uint32_t bits;
} float_bits;

static uint32_t bits_of(float value) {
  const float_bits both = {.value = value};
  return both.bits;
}

static float float_of(uint32_t bits) {
  const float_bits both = {.bits = bits};
  return both.value;
}

static int is_nan(uint32_t bits) { return (bits & ~SIGN) > INFINITE; }
static int16_t exponent_of(uint32_t bits) { return (int16_t)(bits >> 23 & 0xFF); }

/* value >> shift; bits that get lost set the lowest one. */
static uint32_t shift_right_sticky(uint32_t value, int16_t shift) {
  if (shift > 31) return value != 0;
  return value >> shift | (value & (((uint32_t)1 << shift) - 1) ? 1 : 0);
}

/* significand: below 2^31; with bit 30 set it stands for a number of biased exponent `exponent`
 * + 1.
 */
static float pack(uint32_t sign, int16_t exponent, uint32_t significand) {
  uint32_t rest;
  if (significand == 0) return float_of(sign);
  for (; !(significand & LEADING); significand <<= 1) exponent--;
  if (exponent < 0) {
    significand = shift_right_sticky(significand, (int16_t)-exponent);
    exponent = 0;
  }
  rest = significand & 0x7F;
  significand = (significand + 0x40) >> 7;
  if (rest == 0x40) significand &= ~(uint32_t)1;
  significand += (uint32_t)exponent << 23; /* the hidden bit adds 1 to the exponent */
  return float_of(sign | (exponent > 0xFD || significand >= INFINITE ? INFINITE : significand));
}

/* The significand with its hidden bit at bit 23, also for a subnormal number. Not for 0. */
static uint32_t significand_of(uint32_t bits, int16_t *exponent) {
  uint32_t significand = bits & (HIDDEN - 1);
  *exponent = exponent_of(bits);
  if (*exponent != 0) return significand | HIDDEN;
  for (*exponent = 1; !(significand & HIDDEN); significand <<= 1) --*exponent;
  return significand;
}

static float add_bits(uint32_t x, uint32_t y) {
  int16_t x_exponent, y_exponent;
  uint32_t x_significand, y_significand;
  if ((x & ~SIGN) < (y & ~SIGN)) {
    const uint32_t swap = x;
    x = y, y = swap;
  }
  if ((x & ~SIGN) >= INFINITE) {
    const int opposite = (y & ~SIGN) == INFINITE && x != y;
    return float_of(is_nan(x) || opposite ? QUIET_NAN : x);
  }
  if ((y & ~SIGN) == 0) return float_of((x & ~SIGN) == 0 ? x & y : x);
  x_significand = significand_of(x, &x_exponent) << 6;
  y_significand = significand_of(y, &y_exponent) << 6;
  y_significand = shift_right_sticky(y_significand, (int16_t)(x_exponent - y_exponent));
  if (((x ^ y) & SIGN) == 0) return pack(x & SIGN, x_exponent, x_significand + y_significand);
  if (x_significand == y_significand) return 0.0f;
  return pack(x & SIGN, x_exponent, x_significand - y_significand);
}

float __mspabi_addf(float a, float b) { return add_bits(bits_of(a), bits_of(b)); }
float __mspabi_subf(float a, float b) { return add_bits(bits_of(a), bits_of(b) ^ SIGN); }

float __mspabi_mpyf(float a, float b) {
  const uint32_t x = bits_of(a), y = bits_of(b), sign = (x ^ y) & SIGN;
  const uint32_t x_size = x & ~SIGN, y_size = y & ~SIGN;
  int16_t x_exponent, y_exponent;
  uint64_t product;
  if (is_nan(x) || is_nan(y)) return float_of(QUIET_NAN);
  if (x_size == INFINITE || y_size == INFINITE) {
    return float_of(x_size == 0 || y_size == 0 ? QUIET_NAN : sign | INFINITE);
  }
  if (x_size == 0 || y_size == 0) return float_of(sign);
  product = (uint64_t)(significand_of(x, &x_exponent) << 7);
  product *= significand_of(y, &y_exponent) << 8;
  return pack(sign, (int16_t)(x_exponent + y_exponent - 127),
              (uint32_t)(product >> 32) | ((uint32_t)product != 0));
}

float __mspabi_divf(float a, float b) {
  const uint32_t x = bits_of(a), y = bits_of(b), sign = (x ^ y) & SIGN;
  const uint32_t x_size = x & ~SIGN, y_size = y & ~SIGN;
  int16_t x_exponent, y_exponent;
  uint32_t rest, divisor, quotient = 0;
  if (is_nan(x) || is_nan(y) || (x_size == y_size && (x_size == 0 || x_size == INFINITE))) {
    return float_of(QUIET_NAN);
  }
  if (x_size == INFINITE || y_size == 0) return float_of(sign | INFINITE);
  if (x_size == 0 || y_size == INFINITE) return float_of(sign);
  rest = significand_of(x, &x_exponent);
  divisor = significand_of(y, &y_exponent);
  for (uint8_t bit = 0; bit < 31; bit++) {
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    rest <<= 1;
  }
  return pack(sign, (int16_t)(x_exponent - y_exponent + 126), quotient | (rest != 0));
}

int __mspabi_cmpf(float a, float b) {
  const uint32_t x = bits_of(a), y = bits_of(b);
  if (is_nan(x) || is_nan(y)) return -1;
  if (((x | y) & ~SIGN) == 0 || x == y) return 0;
  if ((x ^ y) & SIGN) return x & SIGN ? -1 : 1;
  return (x < y) == ((x & SIGN) == 0) ? -1 : 1;
}

int __unordsf2(float a, float b) { return is_nan(bits_of(a)) || is_nan(bits_of(b)); }

/* |value| rounded towards zero, at most `limit`; NaN gives 0. */
static uint64_t to_integer(uint32_t bits, uint64_t limit) {
  const int16_t shift = (int16_t)(exponent_of(bits) - 127 - 23);
  const uint32_t significand = (bits & (HIDDEN - 1)) | HIDDEN;
  uint64_t value;
  if (is_nan(bits) || shift < -23) return 0;
  if (shift > 40) return limit;
  value = shift < 0 ? significand >> -shift : (uint64_t)significand << shift;
  return value > limit ? limit : value;
}

static int64_t to_signed(uint32_t bits, uint64_t limit) {
  const uint64_t size = to_integer(bits, bits & SIGN ? limit + 1 : limit);
  return (int64_t)(bits & SIGN ? 0 - size : size);
}

int32_t __mspabi_fixfli(float a) { return (int32_t)to_signed(bits_of(a), INT32_MAX); }
int64_t __mspabi_fixflli(float a) { return to_signed(bits_of(a), INT64_MAX); }

uint32_t __mspabi_fixful(float a) {
  return (uint32_t)to_integer(bits_of(a), bits_of(a) & SIGN ? 0 : UINT32_MAX);
}

uint64_t __mspabi_fixfull(float a) {
  return to_integer(bits_of(a), bits_of(a) & SIGN ? 0 : UINT64_MAX);
}

static float from_integer(uint32_t sign, uint64_t size) {
  int16_t exponent = 127 + 30 - 1;
  for (; size >= SIGN; exponent++) size = size >> 1 | (size & 1);
  return pack(sign, exponent, (uint32_t)size);
}

float __mspabi_fltulf(uint32_t a) { return from_integer(0, a); }
float __mspabi_fltullf(uint64_t a) { return from_integer(0, a); }

float __mspabi_fltlif(int32_t a) { return __mspabi_fltllif(a); }
float __mspabi_fltllif(int64_t a) {
  return from_integer(a < 0 ? SIGN : 0, a < 0 ? 0 - (uint64_t)a : (uint64_t)a);
}
