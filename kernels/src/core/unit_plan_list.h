/* Internal: one activation and one list of a plan; C version. */
#ifndef UNIT_PLAN_LIST_H_
#define UNIT_PLAN_LIST_H_

#include "unit_mac.h"

/* How many entries of a list count for x. count: the list's counts; critical: the list's, or NULL;
 * class: of x, not 0. */
static inline uint8_t unit_plan_counting(const uint8_t *count, const uint8_t *critical,
                                         int16_t classes, uint8_t class, int16_t x) {
  uint8_t n = count[class - 1];
  if (critical == NULL || class == classes) return n;
  const uint8_t end = count[class];
  const int16_t magnitude = unit_magnitude(x);
  while (n < end && magnitude >= critical[n]) n++;
  return n;
}

/* Unsigned, because accumulators that are no outputs may wrap around. */
static inline void unit_plan_add(const int8_t *weight, const uint8_t *at, uint8_t count, int16_t x,
                                 int32_t *acc) {
  const int8_t *end = weight + count;
  while (weight < end) {
    uint32_t *to = (uint32_t *)(void *)((uint8_t *)acc + *at++);
    *to += (uint32_t)unit_product(x, *weight++);
  }
}

#ifdef UNIT_ENABLE_COUNTERS
/* Takes back a MAC that was counted as skipped. */
static inline void unit_count_walked(unit_counters *counters, ptrdiff_t channel, int16_t x,
                                     int16_t w) {
  counters->macs_skipped--;
  if (counters->skipped_sum != NULL) counters->skipped_sum[channel] -= unit_product(x, w);
}
#endif

#endif /* UNIT_PLAN_LIST_H_ */
