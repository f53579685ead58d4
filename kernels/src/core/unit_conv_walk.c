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
  walk->y.pool = (ptrdiff_t)params->pool.h;
  walk->x.pool = (ptrdiff_t)params->pool.w;
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
  walk->window = walk->y.pool * walk->x.pool;
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

/* Whether outputs wait: unit_store_row would be another 600 bytes on a Cortex-M0. */
#ifdef __OPTIMIZE_SIZE__
#define WAIT 0
#else
#define WAIT 1
#endif

/* A block of output channels. The sums of several outputs wait to be stored together, which saves
 * preparing the requantization of each channel for each of them. */
typedef struct {
  ptrdiff_t channel; /* the first */
  int16_t channels;
  int16_t places;  /* positions whose sums the patch has room for */
  int16_t most;    /* outputs that wait */
  int16_t outputs; /* that wait now */
  int32_t *acc;    /* of the next position */
  const int8_t *weight;
  const uint8_t *quotient;
  unit_outputs output;
  int8_t *to; /* of the first output that waits */
} block;

/* Sums at `count` neighbouring positions of a row, from of->acc on. left: image column of the first
 * one's first tap, returned for the next position. image: at the first input channel of the group.
 */
static ptrdiff_t run_positions(const unit_conv_walk *walk, unit_patch *patch, block *of,
                               const unit_span *rows, const int8_t *image, ptrdiff_t left,
                               ptrdiff_t count) {
  const unit_conv_axis *x = &walk->x;
  const ptrdiff_t image_row = walk->y.dilation * walk->y.step;
  const ptrdiff_t padding = rows->tap * walk->filter_row;
  image += rows->at * walk->y.step;
  for (const ptrdiff_t end = left + count * x->stride; left < end; left += x->stride) {
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
    of->acc += of->channels;
  }
  return left;
}

static void take_larger(int32_t *to, const int32_t *acc, int16_t count) {
  for (const int32_t *end = acc + count; acc < end; acc++, to++) {
    if (*acc > *to) *to = *acc;
  }
}

/* The largest sums of a window. top, left: image coordinates of its first tap. The sums of its
 * other positions take the place behind for a moment. */
static void run_window(const unit_conv_walk *walk, unit_patch *patch, block *of,
                       const int8_t *image, ptrdiff_t top, ptrdiff_t left) {
  const unit_conv_axis *y = &walk->y;
  int32_t *first = of->acc;
  for (ptrdiff_t row = 0; row < y->pool; row++, top += y->stride) {
    const unit_span rows = unit_span_of(top, y->input, y->kernel, y->dilation);
    ptrdiff_t at = left;
    for (ptrdiff_t column = 0; column < walk->x.pool; column++) {
      at = run_positions(walk, patch, of, &rows, image, at, 1);
      if (of->acc == first + of->channels) continue;
      of->acc -= of->channels;
      take_larger(first, of->acc, of->channels);
    }
  }
}

/* The largest sums of `count` windows of a row, all of whose positions there is room for. */
static void run_windows(const unit_conv_walk *walk, unit_patch *patch, block *of,
                        const int8_t *image, ptrdiff_t top, ptrdiff_t left, ptrdiff_t count) {
  const unit_conv_axis *y = &walk->y, *x = &walk->x;
  const ptrdiff_t columns = count * x->pool;
  int32_t *acc = of->acc;
  const unit_sum_windows windows = {acc,     acc,         count, y->pool, columns * of->channels,
                                    x->pool, of->channels};
  for (ptrdiff_t row = 0; row < y->pool; row++, top += y->stride) {
    const unit_span rows = unit_span_of(top, y->input, y->kernel, y->dilation);
    run_positions(walk, patch, of, &rows, image, left, columns);
  }
  unit_largest_sums(&windows);
  of->acc = acc + count * of->channels;
}

static void store(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  if (of->outputs == 0) return;
  if (WAIT) {
    unit_store_row(&of->output, patch->acc, of->channels, of->to, of->channels, walk->channels,
                   of->outputs);
  } else {
    unit_store(&of->output, patch->acc, of->channels, of->to);
  }
  of->to += of->outputs * walk->channels;
  of->acc = patch->acc;
  of->outputs = 0;
}

/* A row of outputs. top: image row of its first tap. */
static void run_row(const unit_conv_walk *walk, unit_patch *patch, block *of, const int8_t *image,
                    ptrdiff_t top) {
  const unit_conv_axis *y = &walk->y, *x = &walk->x;
  const unit_span rows = unit_span_of(top, y->input, y->kernel, y->dilation);
  ptrdiff_t left = -x->padding;
  for (ptrdiff_t todo = x->output, some; todo > 0; todo -= some) {
    some = WAIT ? unit_quotient(of->places - of->outputs, walk->window) : 1;
    if (some > todo) some = todo;
    if (walk->window == 1) {
      left = run_positions(walk, patch, of, &rows, image, left, some);
    } else {
      if (WAIT && some > 0) {
        run_windows(walk, patch, of, image, top, left, some);
      } else {
        run_window(walk, patch, of, image, top, left);
        some = 1;
      }
      left += some * x->pool * x->stride;
    }
    of->outputs = (int16_t)(of->outputs + some);
    if (of->outputs >= of->most) store(walk, patch, of);
  }
}

/* All outputs of a block. */
static void run_block(const unit_conv_walk *walk, unit_patch *patch, block *of) {
  const unit_conv_axis *y = &walk->y;
  const ptrdiff_t group = of->channel / walk->channels_per_group;
  const ptrdiff_t step = y->pool * y->stride;
  const int8_t *image = walk->input + group * walk->depth;
  of->to = walk->output + of->channel;
  of->acc = patch->acc;
  of->outputs = 0;
  for (ptrdiff_t n = 0; n < walk->images; n++, image += y->input * y->step) {
    ptrdiff_t top = -y->padding;
    for (ptrdiff_t row = 0; row < y->output; row++, top += step) {
      run_row(walk, patch, of, image, top);
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

/* Outputs are stored when there is no more room for the positions of a window, or, where a window
 * has more than the patch has places, for two positions. */
static void init_places(const unit_conv_walk *walk, block *of) {
  of->places = WAIT ? (int16_t)(UNIT_PATCH_SUMS / of->channels) : 1;
  of->most = 1;
  if (!WAIT) return;
  of->most = (int16_t)(of->places - (walk->window <= of->places ? walk->window - 1 : 1));
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
    init_places(walk, &of);
    of.output = unit_outputs_of(walk->quant, &params->activation, params->output_offset, walk->bias,
                                compensation, (int32_t)of.channel);
    if (prune != NULL) divide_weights(walk, prune, &of, quotient);
    run_block(walk, patch, &of);
    of.weight += of.channels * walk->patch_size;
  }
}
