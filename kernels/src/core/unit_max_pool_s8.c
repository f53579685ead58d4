#include <string.h>

#include "unit_loops.h"
#include "unit_pool_walk.h"

static void maximum(const unit_pool_window *window, ptrdiff_t channels, int8_t *output) {
  const int8_t *row = window->input;
  memmove(output, row, (size_t)channels);
  for (ptrdiff_t y = 0; y < window->rows; y++, row += window->row_step) {
    const int8_t *input = row;
    for (ptrdiff_t x = 0; x < window->columns; x++, input += window->column_step) {
      if (input != window->input) unit_take_larger(input, channels, output);
    }
  }
}

unit_status unit_max_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output, maximum);
}
