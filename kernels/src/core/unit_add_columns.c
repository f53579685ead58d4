#include "unit_loops.h"
#include "unit_mac.h"

/* Inlined, it would run out of registers on Cortex-M0. */
UNIT_NOINLINE static void add_column(const unit_columns *columns, const int8_t *weight, int16_t x,
                                     uint16_t quotient) {
  const unsigned width = 2u * quotient;
  const ptrdiff_t step = columns->step;
  int32_t *acc = columns->acc;
  int32_t *end = acc + columns->outputs;
  for (; acc < end; acc++) {
    const int8_t w = *weight;
    weight += step;
    /* -quotient <= w <= quotient in one comparison */
    if ((unsigned)w + quotient <= width) continue;
    *acc += unit_product(x, w);
  }
}

void unit_add_columns_c(const unit_columns *columns) {
  const unit_term *end = columns->term + columns->count;
  for (const unit_term *term = columns->term; term < end; term++) {
    if (term->below > INT8_MAX) continue;
    add_column(columns, columns->weight + term->at, term->x, term->below);
  }
}
