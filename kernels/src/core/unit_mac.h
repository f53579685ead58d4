/* Internal: one multiply-accumulate, and the counting of it; what the inner loops share. */
#ifndef UNIT_MAC_H_
#define UNIT_MAC_H_

#include "unit_types.h"

#ifdef __GNUC__
#define UNIT_NOINLINE __attribute__((noinline))
#else
#define UNIT_NOINLINE
#endif

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

/* Counts for at most 65535 MACs of one channel: 64 bits per MAC take their time on small cores. */
typedef struct {
  uint16_t zero;
  uint16_t skipped;
  int32_t skipped_sum;
  int wants_sum;
} unit_tally;

static inline void unit_tally_add(unit_tally *tally, int16_t x, int16_t w, int skipped) {
  tally->zero = (uint16_t)(tally->zero + (x == 0 || w == 0));
  if (!skipped) return;
  tally->skipped++;
  if (tally->wants_sum) tally->skipped_sum += unit_product(x, w);
}

static inline void unit_count_tally(unit_counters *counters, int32_t channel, int16_t total,
                                    const unit_tally *tally) {
  counters->macs_total += (uint16_t)total;
  counters->macs_zero += tally->zero;
  counters->macs_skipped += tally->skipped;
  if (tally->wants_sum) counters->skipped_sum[channel] += tally->skipped_sum;
}
#else
#define UNIT_COUNTING 0
static inline void unit_count(unit_counters *counters, int32_t channel, int16_t x, int16_t w,
                              int skipped) {
  (void)counters, (void)channel, (void)x, (void)w, (void)skipped;
}
#endif

#endif /* UNIT_MAC_H_ */
