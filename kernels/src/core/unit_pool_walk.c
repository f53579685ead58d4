#include "unit_pool_walk.h"

#include "unit_span.h"

static void clamp(const unit_activation *activation, ptrdiff_t count, int8_t *output) {
  const int8_t min = (int8_t)activation->min;
  const int8_t max = (int8_t)activation->max;
  if (min == INT8_MIN && max == INT8_MAX) return;
  for (const int8_t *end = output + count; output < end; output++) {
    if (*output < min) *output = min;
    if (*output > max) *output = max;
  }
}

/* How many windows of a row, `left` being the first one's column, are as wide as that one. */
static ptrdiff_t alike(ptrdiff_t left, ptrdiff_t stride, ptrdiff_t width, ptrdiff_t in_w,
                       ptrdiff_t windows) {
  if (left < 0) return 1;
  ptrdiff_t count = 1;
  for (left += stride; count < windows && left + width <= in_w; left += stride) count++;
  return count;
}

unit_status unit_pool_walk_run(const unit_pool_params *params, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const unit_dims *output_dims, int8_t *output,
                               unit_pool_reduce reduce) {
  const ptrdiff_t channels = (ptrdiff_t)input_dims->c;
  const ptrdiff_t in_h = (ptrdiff_t)input_dims->h, in_w = (ptrdiff_t)input_dims->w;
  const ptrdiff_t out_h = (ptrdiff_t)output_dims->h, out_w = (ptrdiff_t)output_dims->w;
  const ptrdiff_t width = (ptrdiff_t)filter_dims->w, stride = (ptrdiff_t)params->stride.w;
  unit_pool_windows windows;
  windows.channels = channels;
  windows.row_step = in_w * channels;
  windows.window_step = stride * channels;
  for (int32_t n = 0; n < output_dims->n; n++, input += in_h * windows.row_step) {
    ptrdiff_t top = -(ptrdiff_t)params->padding.h;
    for (ptrdiff_t y = 0; y < out_h; y++, top += (ptrdiff_t)params->stride.h) {
      const unit_span rows = unit_span_of(top, in_h, (ptrdiff_t)filter_dims->h, 1);
      ptrdiff_t left = -(ptrdiff_t)params->padding.w;
      for (ptrdiff_t x = 0; x < out_w;) {
        const unit_span columns = unit_span_of(left, in_w, width, 1);
        if (rows.count == 0 || columns.count == 0) return UNIT_ARG_ERROR;
        windows.input = input + rows.at * windows.row_step + columns.at * channels;
        windows.output = output;
        windows.windows = alike(left, stride, width, in_w, out_w - x);
        windows.rows = rows.count;
        windows.columns = columns.count;
        reduce(&windows);
        clamp(&params->activation, windows.windows * channels, output);
        output += windows.windows * channels;
        left += windows.windows * stride;
        x += windows.windows;
      }
    }
  }
  return UNIT_SUCCESS;
}
