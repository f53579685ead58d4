#include "unit_pool_walk.h"

#include "unit_span.h"

static void clamp(const unit_activation *activation, ptrdiff_t channels, int8_t *output) {
  const int8_t min = (int8_t)activation->min;
  const int8_t max = (int8_t)activation->max;
  if (min == INT8_MIN && max == INT8_MAX) return;
  for (const int8_t *end = output + channels; output < end; output++) {
    if (*output < min) *output = min;
    if (*output > max) *output = max;
  }
}

unit_status unit_pool_walk_run(const unit_pool_params *params, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const unit_dims *output_dims, int8_t *output,
                               unit_pool_reduce reduce) {
  const ptrdiff_t channels = (ptrdiff_t)input_dims->c;
  const ptrdiff_t in_h = (ptrdiff_t)input_dims->h;
  const ptrdiff_t in_w = (ptrdiff_t)input_dims->w;
  const ptrdiff_t out_h = (ptrdiff_t)output_dims->h;
  const ptrdiff_t out_w = (ptrdiff_t)output_dims->w;
  unit_pool_window window;
  window.row_step = in_w * channels;
  window.column_step = channels;
  for (int32_t n = 0; n < output_dims->n; n++, input += in_h * window.row_step) {
    ptrdiff_t top = -(ptrdiff_t)params->padding.h;
    for (ptrdiff_t y = 0; y < out_h; y++, top += (ptrdiff_t)params->stride.h) {
      const unit_span rows = unit_span_of(top, in_h, (ptrdiff_t)filter_dims->h, 1);
      ptrdiff_t left = -(ptrdiff_t)params->padding.w;
      for (ptrdiff_t x = 0; x < out_w; x++, left += (ptrdiff_t)params->stride.w) {
        const unit_span columns = unit_span_of(left, in_w, (ptrdiff_t)filter_dims->w, 1);
        if (rows.count == 0 || columns.count == 0) return UNIT_ARG_ERROR;
        window.input = input + (rows.at * in_w + columns.at) * channels;
        window.rows = rows.count;
        window.columns = columns.count;
        reduce(&window, channels, output);
        clamp(&params->activation, channels, output);
        output += channels;
      }
    }
  }
  return UNIT_SUCCESS;
}
