#include "unit_loops.h"
#include "unit_mac.h"

#define UNROLL 4

/* acc[o] += the products of `channels` channels, a constant. */
static inline void add_products(const int16_t *x, int16_t count, const int8_t *weight,
                                ptrdiff_t step, int32_t *acc, int channels) {
  const int16_t *end = x + count;
  for (int o = 0; o < channels; o++, weight += step) {
    int32_t sum = acc[o];
    const int8_t *w = weight;
    for (const int16_t *at = x; at < end; at++) sum += unit_product(*at, *w++);
    acc[o] = sum;
  }
}

void unit_dot_2_c(const int16_t *x, int16_t count, const int8_t *weight, ptrdiff_t step,
                  int32_t *acc) {
  add_products(x, count, weight, step, acc, 2);
}

void unit_dot_4_c(const int16_t *x, int16_t count, const int8_t *weight, ptrdiff_t step,
                  int32_t *acc) {
  add_products(x, count, weight, step, acc, 4);
}

void unit_dot_c(const unit_dots *dots) {
  const ptrdiff_t step = dots->weight_step;
  const int8_t *weight = dots->weight;
  int32_t *acc = dots->acc;
  int16_t left = dots->channels;
  for (; left >= 4; left = (int16_t)(left - 4), acc += 4, weight += 4 * step) {
    unit_dot_4(dots->x, dots->count, weight, step, acc);
  }
  if (left >= 2) {
    unit_dot_2(dots->x, dots->count, weight, step, acc);
    acc += 2;
    weight += 2 * step;
  }
  if (left % 2 != 0) add_products(dots->x, dots->count, weight, step, acc, 1);
}

static inline int32_t product(const unit_term *term, const int8_t *weight) {
  return unit_product(term->x, weight[term->at]);
}

void unit_dot_terms_c(const unit_dots *dots) {
  const unit_term *end = dots->term + dots->count;
  const unit_term *last = dots->term + dots->count / UNROLL * UNROLL;
  const int8_t *weight = dots->weight;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    const unit_term *term = dots->term;
    int32_t sum = *acc;
    for (; term < last; term += UNROLL) {
      sum += product(&term[0], weight);
      sum += product(&term[1], weight);
      sum += product(&term[2], weight);
      sum += product(&term[3], weight);
    }
    while (term < end) sum += product(term++, weight);
    *acc++ = sum;
    weight += dots->weight_step;
  }
}

void unit_dot_terms_above_c(const unit_dots *dots) {
  const unit_term *end = dots->term + dots->count;
  const unit_term *last = dots->term + dots->count / UNROLL * UNROLL;
  const int8_t *weight = dots->weight;
  const uint8_t *quotient = dots->quotient;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    const unit_term *term = dots->term;
    int32_t sum = *acc;
    for (; term < last; term += UNROLL) {
      if (term[0].below >= quotient[term[0].at]) sum += product(&term[0], weight);
      if (term[1].below >= quotient[term[1].at]) sum += product(&term[1], weight);
      if (term[2].below >= quotient[term[2].at]) sum += product(&term[2], weight);
      if (term[3].below >= quotient[term[3].at]) sum += product(&term[3], weight);
    }
    for (; term < end; term++) {
      if (term->below >= quotient[term->at]) sum += product(term, weight);
    }
    *acc++ = sum;
    weight += dots->weight_step;
    quotient += dots->quotient_step;
  }
}
