/* Internal: one multiply-accumulate, and the counting of it. */
#ifndef UNIT_MAC_H_
#define UNIT_MAC_H_

#include "unit_types.h"

/* Both operands widen from 16 bits, so that a 16-bit multiplier serves. */
static inline int32_t unit_product(int16_t x, int16_t w) { return (int32_t)x * (int32_t)w; }

/* |value|; -128 becomes 128 and -255 becomes 255. */
static inline int16_t unit_magnitude(int16_t value) { return value < 0 ? (int16_t)-value : value; }

static inline unit_counters *unit_context_counters(const unit_context *ctx) {
  return ctx != NULL ? ctx->counters : NULL;
}

#ifdef UNIT_ENABLE_COUNTERS
#define UNIT_COUNTING 1
static inline void unit_count(unit_counters *counters, int32_t channel, int16_t x, int16_t w,
                              int skipped) {
  if (counters == NULL) return;
  counters->macs_total++;
  if (x == 0 || w == 0) counters->macs_zero++;
  if (!skipped) return;
  counters->macs_skipped++;
  if (counters->skipped_sum != NULL) counters->skipped_sum[channel] += unit_product(x, w);
}
#else
#define UNIT_COUNTING 0
static inline void unit_count(unit_counters *counters, int32_t channel, int16_t x, int16_t w,
                              int skipped) {
  (void)counters, (void)channel, (void)x, (void)w, (void)skipped;
}
#endif

#endif /* UNIT_MAC_H_ */
