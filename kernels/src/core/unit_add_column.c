#include "unit_loops.h"
#include "unit_mac.h"

void unit_add_column_c(const unit_column *column, const int8_t *weight, int16_t x,
                       uint8_t quotient) {
  const unsigned width = 2u * quotient;
  const ptrdiff_t step = column->step;
  int32_t *acc = column->acc;
  int32_t *end = acc + column->count;
  for (; acc < end; acc++) {
    const int8_t w = *weight;
    weight += step;
    /* -quotient <= w <= quotient in one comparison */
    if ((unsigned)(w + quotient) <= width) continue;
    *acc += unit_product(x, w);
  }
}
