#include "unit_conv_walk.h"

static void init_axis(unit_conv_axis *axis, int32_t input, int32_t kernel, int32_t output) {
  axis->input = (ptrdiff_t)input;
  axis->kernel = (ptrdiff_t)kernel;
  axis->output = (ptrdiff_t)output;
}

unit_status unit_conv_walk_init(unit_conv_walk *walk, const unit_conv_params *params,
                                const unit_quant_params *quant, const unit_dims *input_dims,
                                const int8_t *input, const unit_dims *filter_dims,
                                const int8_t *filter, const int32_t *bias,
                                const unit_dims *output_dims, int8_t *output) {
  if (filter_dims->c < 1 || input_dims->c % filter_dims->c != 0) return UNIT_ARG_ERROR;
  const int32_t groups = input_dims->c / filter_dims->c;
  if (groups < 1 || output_dims->c % groups != 0) return UNIT_ARG_ERROR;
  if (params->pool.h < 1 || params->pool.w < 1) return UNIT_ARG_ERROR;
  walk->params = params;
  walk->quant = quant;
  walk->input = input;
  walk->filter = filter;
  walk->bias = bias;
  walk->output = output;
  walk->images = (ptrdiff_t)output_dims->n;
  init_axis(&walk->y, input_dims->h, filter_dims->h, output_dims->h);
  init_axis(&walk->x, input_dims->w, filter_dims->w, output_dims->w);
  walk->y.stride = (ptrdiff_t)params->stride.h;
  walk->x.stride = (ptrdiff_t)params->stride.w;
  walk->y.padding = (ptrdiff_t)params->padding.h;
  walk->x.padding = (ptrdiff_t)params->padding.w;
  walk->y.dilation = (ptrdiff_t)params->dilation.h;
  walk->x.dilation = (ptrdiff_t)params->dilation.w;
  walk->x.step = (ptrdiff_t)input_dims->c;
  walk->y.step = walk->x.input * walk->x.step;
  walk->depth = (ptrdiff_t)filter_dims->c;
  walk->channels = (ptrdiff_t)output_dims->c;
  walk->channels_per_group = (ptrdiff_t)(output_dims->c / groups);
  walk->filter_row = walk->x.kernel * walk->depth;
  walk->patch_size = walk->y.kernel * walk->filter_row;
  walk->x_is_contiguous = walk->depth == walk->x.step && walk->x.dilation == 1;
  return UNIT_SUCCESS;
}

/* A row of taps: elements in the padding, inside the image, and in the padding again. */
typedef struct {
  ptrdiff_t before;
  ptrdiff_t inside;
  ptrdiff_t after;
  ptrdiff_t columns; /* taps inside */
} segments;

static segments segments_of(const unit_conv_walk *walk, const unit_span *columns) {
  segments row = {0, walk->filter_row, 0, columns->count};
  if (columns->count < walk->x.kernel) {
    row.before = columns->tap * walk->depth;
    row.inside = columns->count * walk->depth;
    row.after = walk->filter_row - row.before - row.inside;
  }
  return row;
}

/* Adds rows of taps to the patch. input: the first tap inside the image, first input channel of the
 * group. */
static void add_rows(const unit_conv_walk *walk, unit_patch *patch, const int8_t *input,
                     ptrdiff_t rows, const segments *row) {
  const ptrdiff_t image_row = walk->y.dilation * walk->y.step;
  const ptrdiff_t step = walk->x.dilation * walk->x.step;
  for (; rows > 0; rows--, input += image_row) {
    if (row->before > 0) patch->add(patch, NULL, row->before);
    if (walk->x_is_contiguous) {
      patch->add(patch, input, row->inside);
    } else {
      patch->add_rows(patch, input, walk->depth, row->columns, step);
    }
    if (row->after > 0) patch->add(patch, NULL, row->after);
  }
}

/* A block of output channels. The sums of several positions wait to be stored together, which saves
 * preparing the requantization of each channel for each of them. */
typedef struct {
  ptrdiff_t channel; /* the first */
  int16_t channels;
  int16_t most;      /* positions */
  int16_t positions; /* that wait */
  int32_t *acc;      /* of the next one */
  const int8_t *weight;
  const uint8_t *quotient;
  unit_outputs output;
  int8_t *to; /* of the first position that waits */
} block;

#ifdef __OPTIMIZE_SIZE__ /* unit_store_row would be another 600 bytes on a Cortex-M0 */
static void add_position(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  unit_store(&of->output, patch->acc, of->channels, of->to);
  of->to += walk->channels;
}

static void store(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  (void)walk, (void)patch, (void)of; /* nothing waits */
}
#else
static void store(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  if (of->positions == 0) return;
  unit_store_row(&of->output, patch->acc, of->channels, of->to, of->channels, walk->channels,
                 of->positions);
  of->to += of->positions * walk->channels;
  of->acc = patch->acc;
  of->positions = 0;
}

static void add_position(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  of->acc += of->channels;
  if (++of->positions == of->most) store(walk, patch, of);
}
#endif

/* A row of outputs. image: at the first input channel of the group. */
static void run_row(const unit_conv_walk *walk, unit_patch *patch, block *of, const unit_span *rows,
                    const int8_t *image) {
  const unit_conv_axis *x = &walk->x;
  const ptrdiff_t image_row = walk->y.dilation * walk->y.step;
  const ptrdiff_t padding = rows->tap * walk->filter_row;
  ptrdiff_t left = -x->padding;
  image += rows->at * walk->y.step;
  for (ptrdiff_t column = 0; column < x->output; column++, left += x->stride) {
    const unit_span columns = unit_span_of(left, x->input, x->kernel, x->dilation);
    unit_patch_begin(patch, of->acc, of->channel, of->channels, of->weight, of->quotient);
    if (columns.count > 0) {
      const segments segments = segments_of(walk, &columns);
      const int8_t *input = image + columns.at * x->step;
      if (padding > 0) patch->add(patch, NULL, padding);
      if (walk->x_is_contiguous && columns.count == x->kernel) {
        patch->add_rows(patch, input, segments.inside, rows->count, image_row);
      } else {
        add_rows(walk, patch, input, rows->count, &segments);
      }
    }
    unit_patch_end(patch);
    add_position(walk, patch, of);
  }
}

/* All outputs of a block. */
static void run_block(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  const unit_conv_axis *y = &walk->y;
  const ptrdiff_t group = of->channel / walk->channels_per_group;
  const int8_t *image = walk->input + group * walk->depth;
  of->to = walk->output + of->channel;
  of->acc = patch->acc;
  of->positions = 0;
  for (ptrdiff_t n = 0; n < walk->images; n++, image += y->input * y->step) {
    ptrdiff_t top = -y->padding;
    for (ptrdiff_t row = 0; row < y->output; row++, top += y->stride) {
      const unit_span rows = unit_span_of(top, y->input, y->kernel, y->dilation);
      run_row(walk, patch, of, &rows, image);
    }
  }
  store(walk, patch, of);
}

/* The quotients of a block's weights. */
static void divide_weights(const unit_conv_walk *walk, const unit_prune_params *prune,
                           const block *of, uint8_t *quotient) {
  const int8_t *weight = of->weight;
  unit_threshold threshold;
  for (int16_t o = 0; o < of->channels; o++) {
    unit_threshold_of(prune, (int32_t)of->channel + o, &threshold);
    unit_divide_weights(&threshold, weight, 1, walk->patch_size, quotient);
    weight += walk->patch_size;
    quotient += walk->patch_size;
  }
}

void unit_conv_walk_run(const unit_conv_walk *walk, unit_patch *patch,
                        const unit_prune_params *prune, uint8_t *quotient) {
  const ptrdiff_t limit = prune != NULL ? UNIT_QUOTIENT_CHANNELS : UNIT_PATCH_CHANNELS;
  const int32_t *compensation = prune != NULL ? prune->compensation : NULL;
  const unit_conv_params *params = walk->params;
  block of;
  of.weight = walk->filter;
  of.quotient = quotient;
  for (of.channel = 0; of.channel < walk->channels; of.channel += of.channels) {
    const ptrdiff_t left = walk->channels_per_group - of.channel % walk->channels_per_group;
    of.channels = (int16_t)(left < limit ? left : limit);
    of.most = (int16_t)(UNIT_PATCH_SUMS / of.channels);
    of.output = unit_outputs_of(walk->quant, &params->activation, params->output_offset, walk->bias,
                                compensation, (int32_t)of.channel);
    if (prune != NULL) divide_weights(walk, prune, &of, quotient);
    run_block(walk, patch, &of);
    of.weight += of.channels * walk->patch_size;
  }
}
