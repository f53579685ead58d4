#include "unit_pool_walk.h"

/* Of one channel and window: the mean of its elements, rounded to nearest, ties away from 0. */
static int8_t mean_of(const unit_pool_windows *windows, const int8_t *row) {
  const int32_t count = (int32_t)(windows->rows * windows->columns);
  int32_t sum = 0;
  for (ptrdiff_t y = 0; y < windows->rows; y++, row += windows->row_step) {
    const int8_t *input = row;
    for (ptrdiff_t x = 0; x < windows->columns; x++, input += windows->channels) sum += *input;
  }
  return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

static void mean(const unit_pool_windows *windows) {
  const int8_t *input = windows->input;
  int8_t *output = windows->output;
  for (ptrdiff_t left = windows->windows; left > 0; left--, input += windows->window_step) {
    for (ptrdiff_t c = 0; c < windows->channels; c++) *output++ = mean_of(windows, input + c);
  }
}

unit_status unit_avg_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output, mean);
}
