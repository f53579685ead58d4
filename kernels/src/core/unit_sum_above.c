#include "unit_loops.h"
#include "unit_mac.h"

int32_t unit_sum_above_quotients_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   const uint8_t *quotient) {
  const unit_term *end = term + count;
  int32_t sum = 0;
  for (; term < end; term++) {
    const unsigned limit = quotient[term->below];
    const int8_t w = weight[term->at];
    /* -limit <= w <= limit in one comparison */
    if ((unsigned)w + limit > 2 * limit) sum += unit_product(term->x, w);
  }
  return sum;
}

int32_t unit_sum_above_threshold_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   int16_t threshold) {
  const unit_term *end = term + count;
  const unsigned limit = (unsigned)threshold;
  int32_t sum = 0;
  for (; term < end; term++) {
    const int product = term->x * weight[term->at]; /* fits 16 bits */
    if ((unsigned)product + limit > 2 * limit) sum += product;
  }
  return sum;
}
