#include "unit_pool_walk.h"

/* The mean of the elements inside the image, rounded to nearest, ties away from zero. */
static int32_t mean(const unit_pool_window *window) {
  const int32_t count = (int32_t)(window->rows * window->columns);
  int32_t sum = 0;
  for (ptrdiff_t row = 0; row < window->rows; row++) {
    const int8_t *input = window->input + row * window->row_step;
    for (ptrdiff_t column = 0; column < window->columns; column++) {
      sum += input[column * window->column_step];
    }
  }
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

unit_status unit_avg_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output, mean);
}
