#include "unit_loops.h"
#include "unit_mac.h"

/* |x| <= quotient: x + quotient, taken as unsigned, is at most 2 * quotient. */
static inline int is_above(int16_t x, unsigned quotient) {
  return (unsigned)x + quotient > 2 * quotient;
}

void unit_add_tap_above_c(const unit_tap *tap) {
  const int16_t *row = tap->x;
  int32_t *acc = tap->acc;
  const ptrdiff_t step = tap->x_step;
  const int16_t weight = *tap->weight;
  const unsigned quotient = tap->quotient;
  for (int16_t rows = tap->rows; rows > 0; rows--, row += tap->x_row) {
    const int32_t *end = acc + tap->columns;
    const int16_t *x = row;
    for (const int32_t *last = end - 1; acc < last; acc += 2, x += 2 * step) {
      const int16_t second = x[step];
      if (is_above(*x, quotient)) acc[0] += unit_product(*x, weight);
      if (is_above(second, quotient)) acc[1] += unit_product(second, weight);
    }
    if (acc < end && is_above(*x, quotient)) *acc += unit_product(*x, weight);
    acc = acc < end ? acc + 1 : acc;
  }
}
