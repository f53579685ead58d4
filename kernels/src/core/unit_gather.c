#include "unit_loops.h"
#include "unit_mac.h"

void unit_expand_c(const int8_t *input, int16_t count, int16_t offset, int16_t *to) {
  const int8_t *end = input + count;
  for (const int8_t *last = input + count / 4 * 4; input < last; input += 4, to += 4) {
    to[0] = (int16_t)(input[0] + offset);
    to[1] = (int16_t)(input[1] + offset);
    to[2] = (int16_t)(input[2] + offset);
    to[3] = (int16_t)(input[3] + offset);
  }
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
