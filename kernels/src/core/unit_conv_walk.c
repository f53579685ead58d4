#include "unit_conv_walk.h"

/* What does not depend on how the weights are laid out. */
static void init_layer(unit_conv_walk *walk, const unit_context *ctx,
                       const unit_quant_params *quant, const unit_dims *input_dims,
                       const int8_t *input, const unit_dims *filter_dims, const int8_t *filter,
                       const int32_t *bias, const unit_dims *output_dims, int8_t *output) {
  walk->counters = unit_context_counters(ctx);
  walk->input_dims = input_dims;
  walk->output_dims = output_dims;
  walk->input = input;
  walk->output = output;
  walk->filter = filter;
  walk->bias = bias;
  walk->quant = quant;
  walk->kernel.h = filter_dims->h;
  walk->kernel.w = filter_dims->w;
  walk->quotient = NULL;
}

unit_status unit_conv_walk_init(unit_conv_walk *walk, const unit_context *ctx,
                                const unit_conv_params *params, const unit_quant_params *quant,
                                const unit_dims *input_dims, const int8_t *input,
                                const unit_dims *filter_dims, const int8_t *filter,
                                const int32_t *bias, const unit_dims *output_dims, int8_t *output) {
  if (filter_dims->c < 1 || input_dims->c % filter_dims->c != 0) return UNIT_ARG_ERROR;
  const int32_t groups = input_dims->c / filter_dims->c;
  if (groups < 1 || output_dims->c % groups != 0) return UNIT_ARG_ERROR;
  init_layer(walk, ctx, quant, input_dims, input, filter_dims, filter, bias, output_dims, output);
  walk->activation = &params->activation;
  walk->input_offset = (int16_t)params->input_offset;
  walk->output_offset = params->output_offset;
  walk->stride = params->stride;
  walk->padding = params->padding;
  walk->dilation = params->dilation;
  walk->channels_per_group = output_dims->c / groups;
  walk->filter_channel = (ptrdiff_t)(filter_dims->h * filter_dims->w * filter_dims->c);
  walk->filter_tap = (ptrdiff_t)filter_dims->c;
  walk->depth = (ptrdiff_t)filter_dims->c;
  return UNIT_SUCCESS;
}

unit_status unit_depthwise_conv_walk_init(unit_conv_walk *walk, const unit_context *ctx,
                                          const unit_dw_conv_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output) {
  if (params->ch_mult < 1 || output_dims->c != input_dims->c * params->ch_mult) {
    return UNIT_ARG_ERROR;
  }
  init_layer(walk, ctx, quant, input_dims, input, filter_dims, filter, bias, output_dims, output);
  walk->activation = &params->activation;
  walk->input_offset = (int16_t)params->input_offset;
  walk->output_offset = params->output_offset;
  walk->stride = params->stride;
  walk->padding = params->padding;
  walk->dilation = params->dilation;
  walk->channels_per_group = params->ch_mult;
  walk->filter_channel = 1;
  walk->filter_tap = (ptrdiff_t)output_dims->c;
  walk->depth = 1;
  return UNIT_SUCCESS;
}

/* One row of outputs of the current channel. image: the input image at the group's channels. */
static void run_row(const unit_conv_walk *walk, unit_conv_sum sum, const unit_output *output,
                    const int8_t *image, int32_t y, int8_t *to) {
  const unit_dims *in = walk->input_dims;
  const unit_span rows =
      unit_span_of(y * walk->stride.h - walk->padding.h, in->h, walk->kernel.h, walk->dilation.h);
  unit_taps taps;
  taps.rows = (ptrdiff_t)rows.count;
  taps.tap_row = (ptrdiff_t)walk->kernel.w;
  taps.input_row = (ptrdiff_t)(walk->dilation.h * in->w * in->c);
  taps.input_column = (ptrdiff_t)(walk->dilation.w * in->c);
  int32_t origin = -walk->padding.w;
  for (int32_t x = 0; x < walk->output_dims->w; x++) {
    const unit_span columns = unit_span_of(origin, in->w, walk->kernel.w, walk->dilation.w);
    int32_t acc = 0;
    if (rows.count > 0 && columns.count > 0) {
      taps.columns = (ptrdiff_t)columns.count;
      taps.first = (ptrdiff_t)(rows.tap * walk->kernel.w + columns.tap);
      taps.input = image + (rows.at * in->w + columns.at) * in->c;
      acc = sum(walk, &taps);
    }
    to[x * walk->output_dims->c] = unit_output_value(output, acc);
    origin += walk->stride.w;
  }
}

/* Moves the walk to an output channel. */
static void select_channel(unit_conv_walk *walk, int32_t channel) {
  walk->channel = channel;
  walk->weight = walk->filter + channel * walk->filter_channel;
}

/* All outputs of the current channel. */
static void run_channel(const unit_conv_walk *walk, unit_conv_sum sum,
                        const int32_t *compensation) {
  const unit_dims *in = walk->input_dims;
  const unit_dims *out = walk->output_dims;
  const unit_output output = unit_output_of_channel(
      walk->quant, walk->activation, walk->output_offset, walk->bias, compensation, walk->channel);
  const int32_t group = walk->channel / walk->channels_per_group;
  for (int32_t n = 0; n < out->n; n++) {
    const int8_t *image = walk->input + n * in->h * in->w * in->c + group * walk->depth;
    for (int32_t y = 0; y < out->h; y++) {
      int8_t *to = walk->output + (n * out->h + y) * out->w * out->c + walk->channel;
      run_row(walk, sum, &output, image, y, to);
    }
  }
}

void unit_conv_walk_run(unit_conv_walk *walk, unit_conv_sum sum) {
  for (int32_t channel = 0; channel < walk->output_dims->c; channel++) {
    select_channel(walk, channel);
    run_channel(walk, sum, NULL);
  }
}

/* The quotients of the current channel's weights. */
static void divide_weights(const unit_conv_walk *walk, const unit_prune_params *prune,
                           int32_t group, uint8_t *quotient) {
  const int32_t taps = walk->kernel.h * walk->kernel.w;
  for (int32_t tap = 0; tap < taps; tap++) {
    const int8_t *weight = walk->weight + tap * walk->filter_tap;
    for (ptrdiff_t c = 0; c < walk->depth; c++) {
      const uint8_t control = (uint8_t)unit_magnitude(weight[c]);
      *quotient++ = unit_prune_quotient(prune, group, control);
    }
  }
}

void unit_conv_walk_run_pruned(unit_conv_walk *walk, const unit_prune_params *prune,
                               uint8_t *scratch, unit_conv_sum compare, unit_conv_sum dense) {
  walk->quotient = scratch;
  for (int32_t channel = 0; channel < walk->output_dims->c; channel++) {
    const int32_t group = channel / prune->group_size;
    const int skips = prune->threshold[group] > UNIT_NEVER_SKIP;
    select_channel(walk, channel);
    if (skips) divide_weights(walk, prune, group, scratch);
    run_channel(walk, skips ? compare : dense, prune->compensation);
  }
}
