#include "unit_loops.h"
#include "unit_mac.h"

void unit_expand_c(const int8_t *input, int16_t count, int16_t offset, int16_t *to) {
  const int8_t *end = input + count;
  while (input < end) *to++ = (int16_t)(*input++ + offset);
}

unit_term *unit_collect_c(const int8_t *input, int16_t count, int16_t offset, unit_term *to) {
  const int8_t *end = input + count;
  unsigned at = to->at;
  for (; input < end; at++) {
    const int x = *input++ + offset;
    /* Counters want to see zeros, too. */
    if (x == 0 && !UNIT_COUNTING) continue;
    to->below = (uint16_t)((x < 0 ? -x : x) - 1);
    to->at = (uint16_t)at;
    to->x = (int16_t)x;
    to++;
  }
  return to;
}
