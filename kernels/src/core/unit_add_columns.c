#include "unit_loops.h"
#include "unit_mac.h"

void unit_add_columns_c(const unit_columns *columns) {
  const unit_term *end = columns->term + columns->count;
  const ptrdiff_t step = columns->step;
  int32_t *acc_end = columns->acc + columns->outputs;
  for (const unit_term *term = columns->term; term < end; term++) {
    const int8_t *weight = columns->weight + term->at;
    const int quotient = (int)term->below;
    const unsigned width = 2u * (unsigned)quotient;
    const int16_t x = term->x;
    if (quotient > INT8_MAX) continue;
    for (int32_t *acc = columns->acc; acc < acc_end; acc++) {
      const int8_t w = *weight;
      weight += step;
      /* -quotient <= w <= quotient in one comparison */
      if ((unsigned)(w + quotient) > width) *acc += unit_product(x, w);
    }
  }
}
