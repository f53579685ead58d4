#include "unit_depthwise_conv_walk.h"

#include <string.h>

static void init_axis(unit_depthwise_axis *axis, int32_t input, int32_t kernel, int32_t output) {
  axis->input = (ptrdiff_t)input;
  axis->kernel = (ptrdiff_t)kernel;
  axis->output = (ptrdiff_t)output;
}

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
  walk->input = input;
  walk->filter = filter;
  walk->bias = bias;
  walk->output = output;
  walk->images = (ptrdiff_t)output_dims->n;
  walk->channels = (ptrdiff_t)output_dims->c;
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
  walk->is_dense = 1;
  walk->quotient = NULL;
#ifdef UNIT_ENABLE_COUNTERS
  walk->counters = unit_context_counters(ctx);
#else
  (void)ctx;
#endif
  return UNIT_SUCCESS;
}

/* Outputs of one channel that are accumulated together, and what they see of the image through a
 * part of the kernel: all of it or, where that is too much, one tap. */
typedef struct {
  const int8_t *image; /* at the channel's input */
  ptrdiff_t y;         /* first output, the same for x */
  ptrdiff_t x;
  ptrdiff_t rows; /* of outputs */
  ptrdiff_t columns;
  ptrdiff_t input_columns;
  int16_t input[UNIT_DEPTHWISE_INPUTS]; /* with the input offset */
  int32_t acc[UNIT_DEPTHWISE_OUTPUTS];
} block;

/* Taps of one axis. */
typedef struct {
  ptrdiff_t first;
  ptrdiff_t count;
} taps;

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Inputs along one axis that `outputs` neighbours see through `count` taps. */
static ptrdiff_t seen(const unit_depthwise_axis *axis, ptrdiff_t outputs, ptrdiff_t count) {
  return (outputs - 1) * axis->stride + (count - 1) * axis->dilation + 1;
}

/* Rows of inputs, the left and right parts of which lie in the padding. */
static void gather(const unit_depthwise_walk *walk, block *of, const taps *y, const taps *x) {
  const ptrdiff_t rows = seen(&walk->y, of->rows, y->count);
  const ptrdiff_t columns = seen(&walk->x, of->columns, x->count);
  const ptrdiff_t step = walk->x.step;
  const int16_t offset = (int16_t)walk->params->input_offset;
  ptrdiff_t column = of->x * walk->x.stride - walk->x.padding + x->first * walk->x.dilation;
  ptrdiff_t row = of->y * walk->y.stride - walk->y.padding + y->first * walk->y.dilation;
  ptrdiff_t left = least(column < 0 ? -column : 0, columns);
  const ptrdiff_t right = column + columns - walk->x.input;
  const int16_t *last = of->input + columns - (right > 0 ? right : 0);
  const int8_t *from = of->image + row * walk->y.step + (column + left) * step;
  of->input_columns = columns;
  if (left > 0 || right > 0 || row < 0 || row + rows > walk->y.input) {
    memset(of->input, 0, (size_t)(rows * columns) * sizeof(*of->input));
  }
  for (const ptrdiff_t end = row + rows; row < end; row++) {
    if (row >= 0 && row < walk->y.input) {
      const int8_t *input = from;
      for (int16_t *to = of->input + left; to < last; input += step) {
        *to++ = (int16_t)(*input + offset);
      }
    }
    from += walk->y.step;
    left += columns;
    last += columns;
  }
}

#ifdef UNIT_ENABLE_COUNTERS
/* Where output `at` meets tap `tap`. */
static int is_inside(const unit_depthwise_axis *axis, ptrdiff_t at, ptrdiff_t tap) {
  const ptrdiff_t input = at * axis->stride - axis->padding + tap * axis->dilation;
  return input >= 0 && input < axis->input;
}

static void count_tap(const unit_depthwise_walk *walk, const block *of, ptrdiff_t ky, ptrdiff_t kx,
                      const unit_tap *tap) {
  for (ptrdiff_t row = 0; row < of->rows; row++) {
    for (ptrdiff_t column = 0; column < of->columns; column++) {
      const int16_t x = tap->x[row * tap->x_row + column * tap->x_step];
      int skip = x == 0 || *tap->weight == 0;
      if (!is_inside(&walk->y, of->y + row, ky)) continue;
      if (!is_inside(&walk->x, of->x + column, kx)) continue;
      if (walk->quotient != NULL) skip = unit_magnitude(x) <= tap->quotient;
      unit_count(walk->counters, walk->channel, x, *tap->weight, walk->skips && skip);
    }
  }
}
#else
static void count_tap(const unit_depthwise_walk *walk, const block *of, ptrdiff_t ky, ptrdiff_t kx,
                      const unit_tap *tap) {
  (void)walk, (void)of, (void)ky, (void)kx, (void)tap;
}
#endif

/* Adds a part of the kernel to the outputs. */
static void add_part(const unit_depthwise_walk *walk, block *of, const taps *y, const taps *x) {
  unit_tap tap;
  gather(walk, of, y, x);
  tap.x_step = walk->x.stride;
  tap.x_row = walk->y.stride * of->input_columns;
  tap.x_tap = walk->x.dilation;
  tap.weight_tap = walk->channels;
  tap.acc = of->acc;
  tap.rows = (int16_t)of->rows;
  tap.columns = (int16_t)of->columns;
  for (ptrdiff_t ky = 0; ky < y->count; ky++) {
    ptrdiff_t at = (y->first + ky) * walk->x.kernel + x->first;
    tap.x = of->input + ky * walk->y.dilation * of->input_columns;
    tap.weight = walk->weight + at * walk->channels;
    for (ptrdiff_t kx = 0, some; kx < x->count; kx += some, at += some) {
      some = walk->is_dense && !UNIT_COUNTING && x->count - kx >= 3 ? 3 : 1;
      tap.quotient = walk->quotient != NULL ? walk->quotient[at] : 0;
      if (UNIT_COUNTING) count_tap(walk, of, y->first + ky, x->first + kx, &tap);
      if (!walk->is_dense) {
        unit_add_tap_above(&tap);
      } else if (some == 3) {
        unit_add_taps_3(&tap);
      } else {
        unit_add_tap(&tap);
      }
      tap.x += some * walk->x.dilation;
      tap.weight += some * walk->channels;
    }
  }
}

static void run_block(const unit_depthwise_walk *walk, const unit_outputs *output, block *of,
                      int8_t *to) {
  const int16_t count = (int16_t)(of->rows * of->columns);
  memset(of->acc, 0, (size_t)count * sizeof(*of->acc));
  if (walk->is_whole) {
    const taps y = {0, walk->y.kernel};
    const taps x = {0, walk->x.kernel};
    add_part(walk, of, &y, &x);
  } else {
    taps y = {0, 1};
    for (; y.first < walk->y.kernel; y.first++) {
      taps x = {0, 1};
      for (; x.first < walk->x.kernel; x.first++) add_part(walk, of, &y, &x);
    }
  }
  to += (of->y * walk->x.output + of->x) * walk->channels;
  unit_store_plane(output, of->acc, count, to, walk->channels, 1, count);
}

/* Chooses the size of blocks: whole rows or, where that is too much, a part of one. */
static void init_blocks(unit_depthwise_walk *walk) {
  const ptrdiff_t kernel_y = walk->y.kernel;
  ptrdiff_t kernel_x = walk->x.kernel;
  ptrdiff_t most = UNIT_DEPTHWISE_INPUTS / seen(&walk->y, 1, kernel_y); /* inputs in a row */
  walk->is_whole = most >= seen(&walk->x, 1, kernel_x);
  if (!walk->is_whole) {
    most = UNIT_DEPTHWISE_INPUTS;
    kernel_x = 1;
  }
  ptrdiff_t columns = (most - seen(&walk->x, 1, kernel_x)) / walk->x.stride + 1;
  if (columns > UNIT_DEPTHWISE_OUTPUTS) columns = UNIT_DEPTHWISE_OUTPUTS;
  walk->block_rows = 1;
  walk->block_columns = columns;
  if (columns < walk->x.output) return;
  walk->block_columns = walk->x.output;
  const ptrdiff_t row = seen(&walk->x, walk->x.output, kernel_x);
  const ptrdiff_t kernel_rows = walk->is_whole ? kernel_y : 1;
  const ptrdiff_t rows =
      (UNIT_DEPTHWISE_INPUTS / row - seen(&walk->y, 1, kernel_rows)) / walk->y.stride + 1;
  const ptrdiff_t fit = UNIT_DEPTHWISE_OUTPUTS / walk->x.output;
  walk->block_rows = rows < fit ? rows : fit;
}

/* All outputs of one channel. */
static void run_channel(unit_depthwise_walk *walk, int32_t channel, const int32_t *compensation) {
  const unit_dw_conv_params *params = walk->params;
  const unit_outputs output = unit_outputs_of(
      walk->quant, &params->activation, params->output_offset, walk->bias, compensation, channel);
  int8_t *to = walk->output + channel;
  block of;
  of.image = walk->input + channel / params->ch_mult;
  walk->weight = walk->filter + channel;
  for (ptrdiff_t n = 0; n < walk->images; n++) {
    for (of.y = 0; of.y < walk->y.output; of.y += of.rows) {
      of.rows = least(walk->block_rows, walk->y.output - of.y);
      for (of.x = 0; of.x < walk->x.output; of.x += of.columns) {
        of.columns = least(walk->block_columns, walk->x.output - of.x);
        run_block(walk, &output, &of, to);
      }
    }
    of.image += walk->y.input * walk->y.step;
    to += walk->y.output * walk->x.output * walk->channels;
  }
}

/* The quotients of a channel's weights. */
static void divide_weights(unit_depthwise_walk *walk, const unit_prune_params *prune,
                           int32_t channel, uint8_t *quotient) {
  unit_threshold threshold;
  unit_threshold_of(prune, channel, &threshold);
  unit_divide_weights(&threshold, walk->filter + channel, walk->channels,
                      walk->y.kernel * walk->x.kernel, quotient);
  walk->quotient = quotient;
#ifdef UNIT_ENABLE_COUNTERS
  walk->skips = threshold.value > UNIT_NEVER_SKIP;
#endif
}

void unit_depthwise_conv_walk_run(unit_depthwise_walk *walk, const unit_prune_params *prune,
                                  uint8_t *quotient) {
  const int32_t *compensation = prune != NULL ? prune->compensation : NULL;
  init_blocks(walk);
#ifdef UNIT_ENABLE_COUNTERS
  walk->skips = !walk->is_dense;
#endif
  for (int32_t channel = 0; channel < (int32_t)walk->channels; channel++) {
    if (prune != NULL) divide_weights(walk, prune, channel, quotient);
#ifdef UNIT_ENABLE_COUNTERS
    walk->channel = channel;
#endif
    run_channel(walk, channel, compensation);
  }
}
