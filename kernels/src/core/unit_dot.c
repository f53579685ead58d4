#include "unit_loops.h"
#include "unit_mac.h"

void unit_dot_c(const unit_dots *dots) {
  const int8_t *weight = dots->weight;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    const int8_t *w = weight;
    const int16_t *x = dots->x;
    const int16_t *end = x + dots->count;
    const int16_t *last = end - 3;
    int32_t sum = *acc;
    for (; x < last; x += 4, w += 4) {
      sum += unit_product(x[0], w[0]);
      sum += unit_product(x[1], w[1]);
      sum += unit_product(x[2], w[2]);
      sum += unit_product(x[3], w[3]);
    }
    while (x < end) sum += unit_product(*x++, *w++);
    *acc++ = sum;
    weight += dots->weight_step;
  }
}

void unit_dot_terms_c(const unit_dots *dots) {
  const unit_term *end = dots->term + dots->count;
  const int8_t *weight = dots->weight;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    int32_t sum = *acc;
    for (const unit_term *term = dots->term; term < end; term++) {
      sum += unit_product(term->x, weight[term->at]);
    }
    *acc++ = sum;
    weight += dots->weight_step;
  }
}

void unit_dot_terms_above_c(const unit_dots *dots) {
  const unit_term *end = dots->term + dots->count;
  const int8_t *weight = dots->weight;
  const uint8_t *quotient = dots->quotient;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    int32_t sum = *acc;
    for (const unit_term *term = dots->term; term < end; term++) {
      if (term->below < quotient[term->at]) continue;
      sum += unit_product(term->x, weight[term->at]);
    }
    *acc++ = sum;
    weight += dots->weight_step;
    quotient += dots->quotient_step;
  }
}
