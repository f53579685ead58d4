#include "unit_output.h"

void unit_store_row_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to,
                      ptrdiff_t acc_step, ptrdiff_t step, int16_t positions) {
  for (; positions > 0; positions--, acc += acc_step, to += step) {
    unit_store(output, acc, count, to);
  }
}
