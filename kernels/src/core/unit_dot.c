#include "unit_loops.h"
#include "unit_mac.h"

#define UNROLL 4

void unit_dot_c(const unit_dots *dots) {
  const int8_t *weight = dots->weight;
  int32_t *acc = dots->acc;
  for (int16_t channel = dots->channels; channel > 0; channel--) {
    const int8_t *w = weight;
    const int16_t *x = dots->x;
    const int16_t *end = x + dots->count;
    const int16_t *last = x + dots->count / UNROLL * UNROLL;
    int32_t sum = *acc;
    for (; x < last; x += UNROLL, w += UNROLL) {
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
