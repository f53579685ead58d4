/* Internal: the taps of a sliding window along one axis: which lie inside the image, and which meet
 * the same inputs. */
#ifndef UNIT_SPAN_H_
#define UNIT_SPAN_H_

#include "unit_types.h"

/* ptrdiff_t: 16 bits on MSP430, where every position counts. */
typedef struct {
  ptrdiff_t tap;   /* the first tap inside the image */
  ptrdiff_t count; /* taps inside; 0 when the window lies in the padding */
  ptrdiff_t at;    /* image coordinate of the first tap */
} unit_span;

/* origin: image coordinate of tap 0, negative in the padding; size: of the image. */
static inline unit_span unit_span_of(ptrdiff_t origin, ptrdiff_t size, ptrdiff_t taps,
                                     ptrdiff_t dilation) {
  unit_span span = {0, taps, origin};
  ptrdiff_t last = origin + (taps - 1) * dilation;
  for (; span.count > 0 && last >= size; last -= dilation) span.count--;
  for (; span.count > 0 && span.at < 0; span.at += dilation) {
    span.tap++;
    span.count--;
  }
  return span;
}

/* a / b; MSP430 takes its time to divide, and most strides are 1. */
static inline ptrdiff_t unit_quotient(ptrdiff_t a, ptrdiff_t b) { return b == 1 ? a : a / b; }

/* The greatest: taps that are stride / divisor apart meet the same inputs, dilation / divisor
 * outputs apart. */
static inline ptrdiff_t unit_common_divisor(ptrdiff_t stride, ptrdiff_t dilation) {
  while (dilation != 0) {
    const ptrdiff_t rest = stride % dilation;
    stride = dilation;
    dilation = rest;
  }
  return stride;
}

#endif /* UNIT_SPAN_H_ */
