#include "unit_pool_walk.h"

/* Of one channel: the mean of the elements inside the image, rounded to nearest, ties away from 0.
 */
static int8_t mean_of(const unit_pool_window *window, const int8_t *row) {
  const int32_t count = (int32_t)(window->rows * window->columns);
  int32_t sum = 0;
  for (ptrdiff_t y = 0; y < window->rows; y++, row += window->row_step) {
    const int8_t *input = row;
    for (ptrdiff_t x = 0; x < window->columns; x++, input += window->column_step) sum += *input;
  }
  return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

static void mean(const unit_pool_window *window, ptrdiff_t channels, int8_t *output) {
  for (ptrdiff_t c = 0; c < channels; c++) output[c] = mean_of(window, window->input + c);
}

unit_status unit_avg_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output, mean);
}
