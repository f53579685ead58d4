#include "unit_loops.h"
#include "unit_mac.h"

void unit_add_taps_3_c(const unit_tap *tap) {
  const int16_t *row = tap->x;
  int32_t *acc = tap->acc;
  const ptrdiff_t step = tap->x_step;
  const ptrdiff_t next = tap->x_tap;
  const int16_t w0 = tap->weight[0];
  const int16_t w1 = tap->weight[tap->weight_tap];
  const int16_t w2 = tap->weight[2 * tap->weight_tap];
  for (int16_t rows = tap->rows; rows > 0; rows--, row += tap->x_row) {
    const int32_t *end = acc + tap->columns;
    const int16_t *x = row;
    if (step == 1 && next == 1) { /* neighbours see nearly the same */
      for (const int32_t *last = end - 1; acc < last; acc += 2, x += 2) {
        acc[0] += unit_product(x[0], w0) + unit_product(x[1], w1) + unit_product(x[2], w2);
        acc[1] += unit_product(x[1], w0) + unit_product(x[2], w1) + unit_product(x[3], w2);
      }
    }
    for (; acc < end; acc++, x += step) {
      *acc += unit_product(x[0], w0) + unit_product(x[next], w1) + unit_product(x[2 * next], w2);
    }
  }
}
