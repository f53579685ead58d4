#include "unit_plan.h"
#include "unit_prune.h"

/* A block of output channels of one image. */
typedef struct {
  const unit_plan_layer *layer;
  unit_plan_row row;     /* what all rows share, then the one that is walked */
  const uint8_t *count;  /* of the block's first list */
  const uint32_t *first; /* the block's */
  const int8_t *input;   /* of the image and group */
  int8_t *output;        /* of the image and block */
  int32_t *ring;
  uint16_t *to; /* row.row */
  ptrdiff_t channel;
  int16_t outputs;
  ptrdiff_t finished; /* output rows */
} block;

/* The ring row of an output row, as an index of its accumulators. */
static uint16_t row_at(const unit_plan_layer *layer, ptrdiff_t y) {
  return (uint16_t)(y % layer->rows * layer->pitch);
}

/* Outputs of the next row; its accumulators become free. */
static void finish_row(block *b) {
  const unit_plan_layer *layer = b->layer;
  const ptrdiff_t outputs = layer->plan->outputs;
  int32_t *acc = b->ring + row_at(layer, b->finished) + layer->slack * outputs;
  const ptrdiff_t step = layer->groups * layer->channels;
  int8_t *to = b->output + b->finished * layer->x.output * step;
  const unit_outputs channels =
      unit_outputs_of(layer->quant, layer->activation, layer->output_offset, layer->bias,
                      layer->plan->compensation, (int32_t)b->channel);
  unit_store_row(&channels, acc, b->outputs, to, outputs, step, (int16_t)layer->x.output);
  unit_fill((uint32_t *)acc, layer->x.output * outputs, 0);
  b->finished++;
}

/* The lists of a segment: taps first, first + period, ... `count` of them. back: as in
 * unit_plan_phase, of the last tap. */
static void walk_segment(block *b, ptrdiff_t image_row, ptrdiff_t phase, ptrdiff_t back,
                         ptrdiff_t count) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan_axis *x = &layer->x;
  const ptrdiff_t reach = (count - 1) * x->tap_step;
  /* Coordinates count positions of the phase, from the first one in the padding on. */
  const ptrdiff_t padded = x->padding - phase;
  ptrdiff_t from = padded <= 0 ? 0 : x->stride == 1 ? padded : (padded - 1) / x->stride + 1;
  const ptrdiff_t last = x->input - 1 + padded;
  if (last < 0) return;
  ptrdiff_t end = (x->stride == 1 ? last : last / x->stride) + 1;
  if (from < back - reach) from = back - reach;
  if (end > back + x->output) end = back + x->output;
  if (from >= end) return;
  const ptrdiff_t column = from - back;
  unit_plan_row *row = &b->row;
  const ptrdiff_t at = image_row * x->input + from * x->stride - padded;
  row->input = b->input + at * layer->groups * layer->depth;
  row->acc = b->ring + (layer->slack + column) * layer->plan->outputs;
  row->positions = (int16_t)(end - from);
  unit_plan_walk(row);
#ifdef UNIT_ENABLE_COUNTERS
  if (layer->counters != NULL) unit_plan_count_walked(layer, row, b->channel, column);
#endif
}

/* Writes to row.row where the lists of an input row go; lists that lead outside the output are left
 * out. y: the output row of the first list; lists: of the row's phase. Returns how many are left.
 */
static ptrdiff_t place_lists(block *b, ptrdiff_t y, ptrdiff_t lists) {
  const unit_plan_layer *layer = b->layer;
  const ptrdiff_t step = layer->y.tap_step;
  ptrdiff_t passed = 0, placed = 0;
  for (; y >= layer->y.output && passed < lists; y -= step) passed++;
  for (; y >= 0 && passed + placed < lists; y -= step) b->to[placed++] = row_at(layer, y);
  b->to[placed] = UINT16_MAX;
  b->row.passed = (int16_t)passed;
  b->row.lists = (int16_t)placed;
  return placed;
}

/* One row of the image. phase: of the row; taps: those of the phase; lists_before, firsts_before:
 * of a segment, those of the phases before, for one channel. */
static void walk_row(block *b, ptrdiff_t image_row, ptrdiff_t phase_y, const unit_plan_phase *taps,
                     ptrdiff_t lists_before, ptrdiff_t firsts_before, ptrdiff_t firsts) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan *plan = layer->plan;
  const ptrdiff_t y = (image_row + layer->y.padding - phase_y) / layer->y.stride - taps->back;
  if (place_lists(b, y, taps->count) == 0) return;
  unit_plan_row *row = &b->row;
  row->count_step = taps->count * plan->classes;
  row->count = b->count + (layer->depth * lists_before + row->passed) * plan->classes;
  row->first = b->first + layer->depth * firsts_before;
  for (ptrdiff_t phase = 0; phase < layer->x.stride; phase++) {
    const unit_plan_phase columns = unit_plan_phase_of(&layer->x, phase);
    ptrdiff_t back = columns.back;
    for (ptrdiff_t left = columns.count; left > 0;) {
      const ptrdiff_t some = left < plan->taps ? left : plan->taps;
      walk_segment(b, image_row, phase, back + (some - 1) * layer->x.tap_step, some);
      back += some * layer->x.tap_step;
      left -= some;
      row->count += layer->depth * layer->y.kernel * plan->classes;
      row->first += layer->depth * firsts;
    }
  }
}

static ptrdiff_t phases_with_taps(const unit_plan_axis *axis) {
  return axis->kernel < axis->period ? axis->kernel : axis->period;
}

static void run_block(block *b) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan_axis *y = &layer->y;
  unit_fill((uint32_t *)b->ring, (ptrdiff_t)layer->ring, 0);
  b->finished = 0;
  for (ptrdiff_t image_row = 0; image_row < y->input; image_row++) {
    /* Those that see neither this row nor one behind it; their accumulators may be needed now. */
    const ptrdiff_t done = image_row + y->padding - (y->kernel - 1) * y->dilation;
    while (b->finished < y->output && b->finished * y->stride < done) finish_row(b);
    const ptrdiff_t phase = (image_row + y->padding) % y->stride;
    ptrdiff_t lists_before = 0, firsts_before = 0;
    for (ptrdiff_t before = 0; before < phase; before++) {
      const ptrdiff_t lists = unit_plan_phase_of(y, before).count;
      lists_before += lists;
      firsts_before += lists > 0;
    }
    const unit_plan_phase taps = unit_plan_phase_of(y, phase);
    walk_row(b, image_row, phase, &taps, lists_before, firsts_before, phases_with_taps(y));
  }
  while (b->finished < y->output) finish_row(b);
}

static ptrdiff_t segments_of(const unit_plan_layer *layer) {
  ptrdiff_t segments = 0;
  for (ptrdiff_t phase = 0; phase < layer->x.stride; phase++) {
    const ptrdiff_t taps = unit_plan_phase_of(&layer->x, phase).count;
    segments += (taps + layer->plan->taps - 1) / layer->plan->taps;
  }
  return segments;
}

static void run_image(block *b, const int8_t *input, int8_t *output) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan *plan = layer->plan;
  const ptrdiff_t segments = segments_of(layer);
  b->count = plan->count;
  b->first = plan->first;
  for (ptrdiff_t group = 0; group < layer->groups; group++) {
    b->input = input + group * layer->depth;
    for (ptrdiff_t o = 0; o < layer->channels; o += plan->outputs) {
      const ptrdiff_t left = layer->channels - o;
      b->channel = group * layer->channels + o;
      b->outputs = left < plan->outputs ? (int16_t)left : plan->outputs;
      b->output = output + b->channel;
      run_block(b);
      b->count += segments * layer->depth * layer->y.kernel * plan->classes;
      b->first += segments * layer->depth * phases_with_taps(&layer->y);
    }
  }
}

unit_status unit_plan_run(unit_plan_layer *layer, const unit_context *ctx) {
  if (layer->size < 0) return UNIT_ARG_ERROR;
  int32_t *scratch = unit_scratch(ctx, layer->size);
  if (scratch == NULL) return UNIT_ARG_ERROR;
  const unit_plan *plan = layer->plan;
  layer->counters = unit_context_counters(ctx);
  if (UNIT_COUNTING && layer->counters != NULL && plan->filter == NULL) return UNIT_ARG_ERROR;
  block b;
  b.layer = layer;
  b.ring = scratch;
  b.to = (uint16_t *)(void *)(scratch + layer->ring);
  b.row.class_of = plan->class_of;
  b.row.weight = plan->weight;
  b.row.at = plan->at;
  b.row.critical = plan->critical;
  b.row.row = b.to;
  b.row.input_step = layer->x.stride * layer->groups * layer->depth;
  b.row.acc_step = plan->outputs;
  b.row.channels = (int16_t)layer->depth;
  b.row.classes = plan->classes;
  b.row.input_offset = layer->input_offset;
  const ptrdiff_t inputs = layer->y.input * layer->x.input * layer->groups * layer->depth;
  const ptrdiff_t outputs = layer->y.output * layer->x.output * layer->groups * layer->channels;
  for (ptrdiff_t n = 0; n < layer->images; n++) {
    run_image(&b, layer->input + n * inputs, layer->output + n * outputs);
  }
#ifdef UNIT_ENABLE_COUNTERS
  if (layer->counters != NULL) unit_plan_count_all(layer);
#endif
  return UNIT_SUCCESS;
}
