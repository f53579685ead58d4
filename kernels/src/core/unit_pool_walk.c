#include "unit_pool_walk.h"

#include "unit_requantize.h"
#include "unit_span.h"

/* All channels of one window. */
static void reduce_channels(unit_pool_window *window, const unit_activation *activation,
                            int32_t channels, unit_pool_reduce reduce, int8_t *output) {
  for (int32_t c = 0; c < channels; c++) {
    output[c] = (int8_t)unit_clamp(reduce(window), activation->min, activation->max);
    window->input++;
  }
}

unit_status unit_pool_walk_run(const unit_pool_params *params, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const unit_dims *output_dims, int8_t *output,
                               unit_pool_reduce reduce) {
  const int32_t channels = input_dims->c;
  unit_pool_window window;
  window.row_step = (ptrdiff_t)(input_dims->w * channels);
  window.column_step = (ptrdiff_t)channels;
  for (int32_t n = 0; n < output_dims->n; n++) {
    const int8_t *image = input + n * input_dims->h * input_dims->w * channels;
    for (int32_t y = 0; y < output_dims->h; y++) {
      const unit_span rows =
          unit_span_of(y * params->stride.h - params->padding.h, input_dims->h, filter_dims->h, 1);
      for (int32_t x = 0; x < output_dims->w; x++) {
        const unit_span columns = unit_span_of(x * params->stride.w - params->padding.w,
                                               input_dims->w, filter_dims->w, 1);
        if (rows.count == 0 || columns.count == 0) return UNIT_ARG_ERROR;
        window.input = image + (rows.at * input_dims->w + columns.at) * channels;
        window.rows = rows.count;
        window.columns = columns.count;
        reduce_channels(&window, &params->activation, channels, reduce, output);
        output += channels;
      }
    }
  }
  return UNIT_SUCCESS;
}
