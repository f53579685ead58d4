#include "unit_loops.h"
#include "unit_mac.h"

#define UNROLL 2

/* term.x * w where |w| > quotient[term.below], otherwise 0 */
static inline int32_t above_quotient(const unit_term *term, const int8_t *weight,
                                     const uint8_t *quotient) {
  const unsigned limit = quotient[term->below];
  const int8_t w = weight[term->at];
  /* -limit <= w <= limit in one comparison */
  return (unsigned)w + limit > 2 * limit ? unit_product(term->x, w) : 0;
}

int32_t unit_sum_above_quotients_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   const uint8_t *quotient) {
  const unit_term *end = term + count;
  const unit_term *last = term + (ptrdiff_t)((size_t)count / UNROLL * UNROLL);
  int32_t sum = 0;
  for (; term < last; term += UNROLL) {
    sum += above_quotient(&term[0], weight, quotient);
    sum += above_quotient(&term[1], weight, quotient);
  }
  while (term < end) sum += above_quotient(term++, weight, quotient);
  return sum;
}

/* term.x * w, which fits 16 bits, where its magnitude is above the threshold, otherwise 0 */
static inline int above_threshold(const unit_term *term, const int8_t *weight, unsigned threshold) {
  const int product = term->x * weight[term->at];
  return (unsigned)product + threshold > 2 * threshold ? product : 0;
}

int32_t unit_sum_above_threshold_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   int16_t threshold) {
  const unit_term *end = term + count;
  const unit_term *last = term + (ptrdiff_t)((size_t)count / UNROLL * UNROLL);
  const unsigned limit = (unsigned)threshold;
  int32_t sum = 0;
  for (; term < last; term += UNROLL) {
    sum += above_threshold(&term[0], weight, limit);
    sum += above_threshold(&term[1], weight, limit);
  }
  while (term < end) sum += above_threshold(term++, weight, limit);
  return sum;
}
