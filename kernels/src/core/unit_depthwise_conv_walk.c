#include "unit_depthwise_conv_walk.h"

unit_status unit_depthwise_conv_walk_init(unit_depthwise_walk *walk, const unit_context *ctx,
                                          const unit_dw_conv_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output) {
  if (params->ch_mult < 1 || output_dims->c != input_dims->c * params->ch_mult) {
    return UNIT_ARG_ERROR;
  }
  walk->params = params;
  walk->quant = quant;
  walk->input_dims = input_dims;
  walk->filter_dims = filter_dims;
  walk->output_dims = output_dims;
  walk->input = input;
  walk->filter = filter;
  walk->bias = bias;
  walk->output = output;
  walk->filter_tap = (ptrdiff_t)output_dims->c;
  walk->input_offset = (int16_t)params->input_offset;
  walk->counters = unit_context_counters(ctx);
  walk->quotient = NULL;
  return UNIT_SUCCESS;
}

/* One row of outputs of the current channel. image: the input image at the channel's input. */
static void run_row(const unit_depthwise_walk *walk, unit_depthwise_sum sum,
                    const unit_output *output, const int8_t *image, ptrdiff_t y, int8_t *to) {
  const unit_dw_conv_params *params = walk->params;
  const ptrdiff_t kernel_w = (ptrdiff_t)walk->filter_dims->w;
  const ptrdiff_t in_w = (ptrdiff_t)walk->input_dims->w;
  const ptrdiff_t in_c = (ptrdiff_t)walk->input_dims->c;
  const ptrdiff_t dilation = (ptrdiff_t)params->dilation.w;
  const unit_span rows =
      unit_span_of(y * (ptrdiff_t)params->stride.h - (ptrdiff_t)params->padding.h,
                   (ptrdiff_t)walk->input_dims->h, (ptrdiff_t)walk->filter_dims->h,
                   (ptrdiff_t)params->dilation.h);
  unit_taps taps;
  taps.rows = rows.count;
  taps.tap_row = kernel_w;
  taps.input_row = (ptrdiff_t)params->dilation.h * in_w * in_c;
  taps.input_column = dilation * in_c;
  ptrdiff_t left = -(ptrdiff_t)params->padding.w;
  for (int32_t x = 0; x < walk->output_dims->w; x++) {
    const unit_span columns = unit_span_of(left, in_w, kernel_w, dilation);
    int32_t acc = 0;
    if (rows.count > 0 && columns.count > 0) {
      taps.columns = columns.count;
      taps.first = rows.tap * kernel_w + columns.tap;
      taps.input = image + (rows.at * in_w + columns.at) * in_c;
      acc = sum(walk, &taps);
    }
    *to = unit_output_value(output, acc);
    to += walk->output_dims->c;
    left += (ptrdiff_t)params->stride.w;
  }
}

/* All outputs of one channel. */
static void run_channel(unit_depthwise_walk *walk, int32_t channel, unit_depthwise_sum sum,
                        const int32_t *compensation) {
  const unit_dims *in = walk->input_dims;
  const unit_dims *out = walk->output_dims;
  const unit_output output =
      unit_output_of_channel(walk->quant, &walk->params->activation, walk->params->output_offset,
                             walk->bias, compensation, channel);
  walk->channel = channel;
  walk->weight = walk->filter + channel;
  for (int32_t n = 0; n < out->n; n++) {
    const int8_t *image = walk->input + n * in->h * in->w * in->c + channel / walk->params->ch_mult;
    for (ptrdiff_t y = 0; y < (ptrdiff_t)out->h; y++) {
      int8_t *to = walk->output + (n * out->h + y) * out->w * out->c + channel;
      run_row(walk, sum, &output, image, y, to);
    }
  }
}

void unit_depthwise_conv_walk_run(unit_depthwise_walk *walk, unit_depthwise_sum sum) {
  for (int32_t channel = 0; channel < walk->output_dims->c; channel++) {
    run_channel(walk, channel, sum, NULL);
  }
}

void unit_depthwise_conv_walk_run_pruned(unit_depthwise_walk *walk, const unit_prune_params *prune,
                                         uint8_t *scratch, unit_depthwise_sum compare) {
  const ptrdiff_t taps = (ptrdiff_t)(walk->filter_dims->h * walk->filter_dims->w);
  unit_threshold threshold;
  walk->quotient = scratch;
  for (int32_t channel = 0; channel < walk->output_dims->c; channel++) {
    unit_threshold_of(prune, channel, &threshold);
    const int skips = threshold.value > UNIT_NEVER_SKIP;
    if (skips) {
      unit_divide_weights(&threshold, walk->filter + channel, walk->filter_tap, taps, scratch);
    }
    run_channel(walk, channel, skips ? compare : unit_depthwise_conv_dense_sum,
                prune->compensation);
  }
}
