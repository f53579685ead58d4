#include <string.h>

#include "unit_mac.h"
#include "unit_prune.h"

/* Cores whose compiler turns the builtin into an instruction; elsewhere it is a library call. */
#ifndef UNIT_HAS_CLZ
#if defined(__ARM_FEATURE_CLZ) || defined(__aarch64__) || defined(__x86_64__)
#define UNIT_HAS_CLZ 1
#else
#define UNIT_HAS_CLZ 0
#endif
#endif

#define TWICE(x) x, x
#define TIMES_4(x) TWICE(x), TWICE(x)
#define TIMES_8(x) TIMES_4(x), TIMES_4(x)
#define TIMES_16(x) TIMES_8(x), TIMES_8(x)
#define TIMES_32(x) TIMES_16(x), TIMES_16(x)
#define TIMES_64(x) TIMES_32(x), TIMES_32(x)

/* Bits needed to write value: 0 for 0, 8 for 128..255. UNIT_FLOAT_EXPONENT reads them from the
 * exponent of a float, which takes an FPU to pay; CLZ is faster where there is one. */
static uint8_t bit_length(uint16_t value) {
#if defined(UNIT_FLOAT_EXPONENT)
  union {
    float value;
    uint32_t bits;
  } number;
  number.value = (float)value;
  return value == 0 ? 0 : (uint8_t)((number.bits >> 23) - 126);
#elif UNIT_HAS_CLZ
  return value == 0 ? 0 : (uint8_t)((int)(8 * sizeof(unsigned)) - __builtin_clz(value));
#else
  static const uint8_t lengths[256] = {0,           1,           TWICE(2),    TIMES_4(3),
                                       TIMES_8(4),  TIMES_16(5), TIMES_32(6), TIMES_64(7),
                                       TIMES_64(8), TIMES_64(8)};
  return value > UINT8_MAX ? (uint8_t)(8 + lengths[value >> 8]) : lengths[value];
#endif
}

/* 2^exponent. exponent: 0..15. */
static uint16_t power_of_two(uint8_t exponent) {
#ifdef __MSP430__ /* shifts by one bit at a time */
  static const uint16_t powers[16] = {1,   2,   4,    8,    16,   32,   64,    128,
                                      256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  return powers[exponent & 15];
#else
  return (uint16_t)((uint16_t)1 << exponent);
#endif
}

/* The bit length of control, found by comparing it with the pivots of a tree. */
static uint8_t bit_length_from_tree(const uint8_t *tree, uint8_t control) {
  uint8_t child = 0;
  do {
    const uint8_t *node = tree + 3 * child;
    child = control < power_of_two(node[0]) ? node[1] : node[2];
  } while (!(child & UNIT_TREE_LEAF));
  return (uint8_t)(child & ~UNIT_TREE_LEAF);
}

/* The quotient of the two values rounded down to powers of two: what subtracting the exponent
 * fields of IEEE-754 floats gives. */
static uint16_t divide_exponents(uint16_t threshold, uint8_t control) {
  const uint8_t threshold_bits = bit_length(threshold);
  const uint8_t control_bits = bit_length(control);
  if (threshold_bits < control_bits) return 0;
  return power_of_two((uint8_t)(threshold_bits - control_bits));
}

uint8_t unit_divide(unit_divider divider, int16_t threshold, uint8_t control, const uint8_t *tree,
                    const uint8_t *row) {
  const uint16_t dividend = (uint16_t)threshold;
  uint16_t quotient = 0;
  if (control == 0) return UINT8_MAX;
  switch (divider) {
    case UNIT_DIVIDER_EXACT:
      quotient = (uint16_t)(dividend / control);
      break;
    case UNIT_DIVIDER_BIT_SHIFT:
      quotient = (uint16_t)(dividend >> bit_length(control));
      break;
    case UNIT_DIVIDER_BINARY_TREE:
      quotient = (uint16_t)(dividend >> bit_length_from_tree(tree, control));
      break;
    case UNIT_DIVIDER_BIT_MASK:
      quotient = divide_exponents(dividend, control);
      break;
    case UNIT_DIVIDER_TABLE:
      return row[control];
  }
  return quotient > UINT8_MAX ? UINT8_MAX : (uint8_t)quotient;
}

static const uint8_t *tree_of(const unit_prune_params *prune) {
  return prune->divider == UNIT_DIVIDER_BINARY_TREE ? prune->tree : NULL;
}

/* Inlined twice, it would take more flash than it is worth. */
UNIT_NOINLINE static uint8_t length_from_tree(const uint8_t *tree, uint8_t control) {
  return control == 0 ? 0 : bit_length_from_tree(tree, control);
}

/* The bit length of a control term, from the tree if there is one. */
static inline uint8_t length_of(const uint8_t *tree, uint8_t control) {
  return tree != NULL ? length_from_tree(tree, control) : bit_length(control);
}

void unit_classify_terms(const unit_prune_params *prune, unit_term *term, const unit_term *end) {
  const unit_divider divider = prune->divider;
  const uint8_t *tree = tree_of(prune);
  if (divider == UNIT_DIVIDER_EXACT || divider == UNIT_DIVIDER_TABLE) return;
  for (; term < end; term++) {
    term->below = length_of(tree, (uint8_t)(term->below + 1));
  }
}

/* All quotients of a divider that only looks at the bit length of the control term. */
static void divide_by_lengths(unit_threshold *threshold) {
  uint16_t dividend = (uint16_t)threshold->value;
  if (threshold->divider == UNIT_DIVIDER_BIT_MASK) dividend = power_of_two(bit_length(dividend));
  threshold->by_length[0] = UINT8_MAX;
  for (uint8_t *quotient = threshold->by_length + 1; quotient < threshold->by_length + UNIT_LENGTHS;
       quotient++) {
    dividend >>= 1;
    *quotient = dividend > UINT8_MAX ? UINT8_MAX : (uint8_t)dividend;
  }
  threshold->quotient = threshold->by_length;
}

void unit_threshold_of(const unit_prune_params *prune, int32_t channel, unit_threshold *threshold) {
  const int32_t group = unit_group_of(prune, channel);
  threshold->value = prune->threshold[group];
  threshold->divider = prune->divider;
  threshold->tree = tree_of(prune);
  threshold->quotient = NULL;
  if (threshold->value <= UNIT_NEVER_SKIP || prune->divider == UNIT_DIVIDER_EXACT) return;
  if (prune->divider == UNIT_DIVIDER_TABLE) {
    threshold->quotient = prune->table + (size_t)prune->table_row[group] * UNIT_TABLE_ROW;
  } else {
    divide_by_lengths(threshold);
  }
}

void unit_divide_weights(const unit_threshold *threshold, const int8_t *weight, ptrdiff_t step,
                         ptrdiff_t count, uint8_t *quotient) {
  const uint8_t *end = quotient + count;
  const uint8_t *row = threshold->quotient;
  if (threshold->value <= UNIT_NEVER_SKIP) {
    memset(quotient, 0, (size_t)count);
  } else if (threshold->divider == UNIT_DIVIDER_TABLE) {
    for (; quotient < end; weight += step) {
      *quotient++ = *weight == 0 ? UINT8_MAX : row[unit_magnitude(*weight)];
    }
  } else if (threshold->divider == UNIT_DIVIDER_EXACT) {
    const uint16_t dividend = (uint16_t)threshold->value;
    for (; quotient < end; weight += step) {
      const uint16_t control = (uint16_t)unit_magnitude(*weight);
      uint16_t whole = UINT8_MAX;
      if (control != 0) whole = (uint16_t)(dividend / control);
      *quotient++ = whole > UINT8_MAX ? UINT8_MAX : (uint8_t)whole;
    }
  } else {
    const uint8_t *tree = threshold->tree;
    for (; quotient < end; weight += step) {
      const uint8_t control = (uint8_t)unit_magnitude(*weight);
      *quotient++ = row[length_of(tree, control)];
    }
  }
}
