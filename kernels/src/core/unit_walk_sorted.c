#include "unit_loops.h"
#include "unit_mac.h"

#define UNROLL 4

/* Unsigned, because accumulators that are no outputs may wrap around. */
static inline void add(uint8_t *acc, uint16_t at, int16_t x, int16_t w) {
  uint32_t *to = (uint32_t *)(void *)(acc + at);
  *to += (uint32_t)unit_product(x, w);
}

void unit_walk_sorted_c(const uint16_t *at, const uint8_t *x, int16_t count, int16_t w,
                        int32_t *acc) {
  const uint16_t *end = at + count;
  const uint16_t *last = at + count / UNROLL * UNROLL;
  uint8_t *base = (uint8_t *)acc;
  for (; at < last; at += UNROLL, x += UNROLL) {
    add(base, at[0], x[0], w);
    add(base, at[1], x[1], w);
    add(base, at[2], x[2], w);
    add(base, at[3], x[3], w);
  }
  while (at < end) add(base, *at++, *x++, w);
}
