#include "unit_loops.h"
#include "unit_mac.h"

#define UNROLL 4

/* Unsigned, because accumulators that are no outputs may wrap around. */
static inline void add(int32_t *acc, uint16_t at, int16_t x, int16_t w) {
  uint32_t *to = (uint32_t *)(void *)((uint8_t *)acc + at);
  *to += (uint32_t)unit_product(x, w);
}

void unit_walk_sorted_c(const uint16_t *at, const uint8_t *x, int16_t count, int16_t w,
                        int32_t *acc) {
  const uint16_t *end = at + count;
  const uint16_t *last = at + count / UNROLL * UNROLL;
  for (; at < last; at += UNROLL, x += UNROLL) {
    add(acc, at[0], x[0], w);
    add(acc, at[1], x[1], w);
    add(acc, at[2], x[2], w);
    add(acc, at[3], x[3], w);
  }
  while (at < end) add(acc, *at++, *x++, w);
}

void unit_walk_sorted_4_c(const uint16_t *at, const uint8_t *x, int16_t count,
                          const unit_sorted_tap *taps) {
  int32_t *acc0 = taps[0].acc, *acc1 = taps[1].acc, *acc2 = taps[2].acc, *acc3 = taps[3].acc;
  const int16_t w0 = taps[0].w, w1 = taps[1].w, w2 = taps[2].w, w3 = taps[3].w;
  for (const uint16_t *end = at + count; at < end; at++, x++) {
    add(acc0, *at, *x, w0);
    add(acc1, *at, *x, w1);
    add(acc2, *at, *x, w2);
    add(acc3, *at, *x, w3);
  }
}

void unit_walk_sorted_row_c(const uint16_t *at, const uint8_t *x, int16_t count,
                            const unit_sorted_tap *taps) {
  int32_t *acc = taps[3].acc;
  const int16_t w0 = taps[0].w, w1 = taps[1].w, w2 = taps[2].w, w3 = taps[3].w;
  for (const uint16_t *end = at + count; at < end; at++, x++) {
    add(acc, *at, *x, w3);
    add(acc + 1, *at, *x, w2);
    add(acc + 2, *at, *x, w1);
    add(acc + 3, *at, *x, w0);
  }
}
