#include "unit_loops.h"
#include "unit_mac.h"

void unit_add_tap_c(const unit_tap *tap) {
  const int16_t *row = tap->x;
  int32_t *acc = tap->acc;
  const ptrdiff_t step = tap->x_step;
  const int16_t weight = *tap->weight;
  for (int16_t rows = tap->rows; rows > 0; rows--, row += tap->x_row) {
    const int32_t *end = acc + tap->columns;
    for (const int16_t *x = row; acc < end; x += step) *acc++ += unit_product(*x, weight);
  }
}
