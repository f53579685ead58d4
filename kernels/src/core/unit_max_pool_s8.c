#include "unit_pool_walk.h"

static int32_t maximum(const unit_pool_window *window) {
  int8_t max = INT8_MIN;
  for (ptrdiff_t row = 0; row < window->rows; row++) {
    const int8_t *input = window->input + row * window->row_step;
    for (ptrdiff_t column = 0; column < window->columns; column++) {
      const int8_t value = input[column * window->column_step];
      if (value > max) max = value;
    }
  }
  return max;
}

unit_status unit_max_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output, maximum);
}
