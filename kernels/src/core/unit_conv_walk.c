#include "unit_conv_walk.h"

#include <string.h>

#include "unit_mac.h"

unit_status unit_conv_walk_init(unit_conv_walk *walk, const unit_conv_params *params,
                                const unit_quant_params *quant, const unit_dims *input_dims,
                                const int8_t *input, const unit_dims *filter_dims,
                                const int8_t *filter, const int32_t *bias,
                                const unit_dims *output_dims, int8_t *output) {
  if (filter_dims->c < 1 || input_dims->c % filter_dims->c != 0) return UNIT_ARG_ERROR;
  const int32_t groups = input_dims->c / filter_dims->c;
  if (groups < 1 || output_dims->c % groups != 0) return UNIT_ARG_ERROR;
  walk->params = params;
  walk->quant = quant;
  walk->input = input;
  walk->filter = filter;
  walk->bias = bias;
  walk->input_dims = input_dims;
  walk->filter_dims = filter_dims;
  walk->output_dims = output_dims;
  walk->output = output;
  walk->depth = (ptrdiff_t)filter_dims->c;
  walk->channels_per_group = (ptrdiff_t)(output_dims->c / groups);
  walk->patch_size = (ptrdiff_t)(filter_dims->h * filter_dims->w * filter_dims->c);
  return UNIT_SUCCESS;
}

/* Adds one row of taps to the patch. input: first image column, first input channel of the group.
 */
static void add_row(const unit_conv_walk *walk, unit_patch *patch, const int8_t *input,
                    const unit_span *columns) {
  const ptrdiff_t depth = walk->depth;
  const ptrdiff_t pixel = (ptrdiff_t)walk->input_dims->c;
  const ptrdiff_t after = (ptrdiff_t)walk->filter_dims->w - columns->tap - columns->count;
  const ptrdiff_t dilation = (ptrdiff_t)walk->params->dilation.w;
  input += columns->at * pixel;
  if (columns->tap > 0) patch->add(patch, NULL, columns->tap * depth);
  if (depth == pixel && dilation == 1) {
    patch->add(patch, input, columns->count * depth);
  } else {
    for (ptrdiff_t tap = 0; tap < columns->count; tap++) {
      patch->add(patch, input, depth);
      input += dilation * pixel;
    }
  }
  if (after > 0) patch->add(patch, NULL, after * depth);
}

/* Adds all taps of one output. image: as `input` of add_row(), first image row. */
static void add_taps(const unit_conv_walk *walk, unit_patch *patch, const int8_t *image,
                     const unit_span *rows, const unit_span *columns) {
  const ptrdiff_t image_row = (ptrdiff_t)(walk->input_dims->w * walk->input_dims->c);
  const ptrdiff_t filter_row = (ptrdiff_t)walk->filter_dims->w * walk->depth;
  if (rows->count <= 0 || columns->count <= 0) return;
  image += rows->at * image_row;
  if (rows->tap > 0) patch->add(patch, NULL, rows->tap * filter_row);
  for (ptrdiff_t row = 0; row < rows->count; row++) {
    add_row(walk, patch, image, columns);
    image += (ptrdiff_t)walk->params->dilation.h * image_row;
  }
}

/* A block of output channels. */
typedef struct {
  int32_t channel; /* the first */
  int16_t channels;
  const int8_t *weight;
  const uint8_t *quotient;
  const int32_t *compensation;
} block;

static void store(const unit_conv_walk *walk, const block *of, const int32_t *acc, int8_t *output) {
  const unit_conv_params *params = walk->params;
  for (int16_t i = 0; i < of->channels; i++) {
    const unit_output channel =
        unit_output_of_channel(walk->quant, &params->activation, params->output_offset, walk->bias,
                               of->compensation, of->channel + i);
    *output++ = unit_output_value(&channel, *acc++);
  }
}

/* All positions of one image. */
static void run_image(const unit_conv_walk *walk, unit_patch *patch, const block *of,
                      const int8_t *image, int8_t *output) {
  const unit_dims *in = walk->input_dims;
  const unit_dims *out = walk->output_dims;
  const unit_dims *kernel = walk->filter_dims;
  const unit_conv_params *params = walk->params;
  int32_t top = -params->padding.h;
  for (int32_t y = 0; y < out->h; y++, top += params->stride.h) {
    const unit_span rows = unit_span_of(top, in->h, kernel->h, params->dilation.h);
    int32_t left = -params->padding.w;
    for (int32_t x = 0; x < out->w; x++, left += params->stride.w) {
      const unit_span columns = unit_span_of(left, in->w, kernel->w, params->dilation.w);
      unit_patch_begin(patch, of->channel, of->channels, of->weight, of->quotient);
      add_taps(walk, patch, image, &rows, &columns);
      unit_patch_end(patch);
      store(walk, of, patch->acc, output);
      output += out->c;
    }
  }
}

/* The quotients of a block's weights. A channel that skips nothing gets quotients of 0: whether its
 * zero products are left out makes no difference. */
static void divide_weights(const unit_conv_walk *walk, const unit_prune_params *prune,
                           const block *of, uint8_t *quotient) {
  const int8_t *weight = of->weight;
  for (int32_t o = of->channel; o < of->channel + of->channels; o++) {
    const int32_t group = o / prune->group_size;
    if (prune->threshold[group] <= UNIT_NEVER_SKIP) {
      memset(quotient, 0, (size_t)walk->patch_size);
      quotient += walk->patch_size;
      weight += walk->patch_size;
      continue;
    }
    for (ptrdiff_t i = 0; i < walk->patch_size; i++) {
      *quotient++ = unit_prune_quotient(prune, group, (uint8_t)unit_magnitude(*weight++));
    }
  }
}

void unit_conv_walk_run(const unit_conv_walk *walk, unit_patch *patch,
                        const unit_prune_params *prune, uint8_t *quotient) {
  const unit_dims *in = walk->input_dims;
  const unit_dims *out = walk->output_dims;
  const ptrdiff_t limit = prune != NULL ? UNIT_QUOTIENT_CHANNELS : UNIT_PATCH_CHANNELS;
  block of = {0, 0, walk->filter, quotient, prune != NULL ? prune->compensation : NULL};
  for (; of.channel < out->c; of.channel += of.channels) {
    const ptrdiff_t group = (ptrdiff_t)of.channel / walk->channels_per_group;
    const ptrdiff_t left = (group + 1) * walk->channels_per_group - (ptrdiff_t)of.channel;
    of.channels = (int16_t)(left < limit ? left : limit);
    if (prune != NULL) divide_weights(walk, prune, &of, quotient);
    for (int32_t n = 0; n < out->n; n++) {
      run_image(walk, patch, &of, walk->input + n * in->h * in->w * in->c + group * walk->depth,
                walk->output + n * out->h * out->w * out->c + of.channel);
    }
    of.weight += of.channels * walk->patch_size;
  }
}
