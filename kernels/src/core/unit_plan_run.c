#include "unit_plan.h"
#include "unit_prune.h"
#include "unit_span.h"

/* A block of output channels of one image. Products of dimensions are kept: MSP430 takes its time
 * to multiply. */
typedef struct {
  const unit_plan_layer *layer;
  unit_plan_row row;     /* what all rows share, then the one that is walked */
  const uint8_t *count;  /* of the block's first list */
  const uint32_t *first; /* the block's */
  const int8_t *input;   /* of the image and group */
  int8_t *output;        /* of the next row of outputs */
  int32_t *ring;
  uint16_t *to;          /* row.row */
  unit_outputs channels; /* those of the block */
  ptrdiff_t channel;
  int16_t outputs;
  ptrdiff_t input_row;     /* activations from one image row to the next */
  ptrdiff_t output_step;   /* outputs from one position to the next */
  ptrdiff_t output_row;    /* outputs from one row to the next */
  int pools;               /* whether outputs are maxima of several positions */
  ptrdiff_t ring_end;      /* accumulators of all rows of the ring */
  ptrdiff_t segment_count; /* counts of a segment */
  ptrdiff_t segment_first; /* firsts of a segment */
  ptrdiff_t finished;      /* rows, before pooling */
  ptrdiff_t finished_at;   /* accumulators from the first row of the ring to the next to be finished
                            */
  ptrdiff_t sees;          /* first image row, counted from the padding on, that the last row of its
                            * windows sees */
} block;

static ptrdiff_t next_row(const block *b, ptrdiff_t at) {
  at += b->layer->pitch;
  return at == b->ring_end ? 0 : at;
}

/* The largest sums of the next row of windows go to its beginning. Rows of the ring do not always
 * follow each other, but any two have a distance. */
static void pool_rows(const block *b, int32_t *first) {
  const unit_plan_axis *y = &b->layer->y, *x = &b->layer->x;
  const ptrdiff_t outputs = b->layer->plan->outputs;
  unit_sum_windows windows = {first, first, x->windows, 1, 0, x->pool, outputs};
  ptrdiff_t at = b->finished_at;
  for (ptrdiff_t row = 1; row < y->pool; row++) {
    at = next_row(b, at);
    windows.rows = 2;
    windows.row_step = at - b->finished_at;
    if (row < y->pool - 1) {
      const unit_sum_windows rows = {first, first, 1, 2, windows.row_step, 1, x->output * outputs};
      unit_largest_sums(&rows);
    }
  }
  unit_largest_sums(&windows);
}

/* The next row of outputs; the accumulators become free. */
static void finish_row(block *b) {
  const unit_plan_layer *layer = b->layer;
  const ptrdiff_t outputs = layer->plan->outputs, slack = layer->slack * outputs;
  const int is_reused = b->finished + layer->rows < layer->y.output;
  int32_t *rows = b->ring + slack;
  ptrdiff_t at = b->finished_at;
  if (b->pools) pool_rows(b, rows + at);
  unit_store_row(&b->channels, rows + at, b->outputs, b->output, outputs, b->output_step,
                 (int16_t)layer->x.windows);
  for (ptrdiff_t left = layer->y.pool; left > 0; left--) {
    if (is_reused) unit_fill((uint32_t *)(rows + at), layer->pitch - slack, 0);
    at = next_row(b, at);
    b->sees += layer->y.stride;
  }
  b->output += b->output_row;
  b->finished += layer->y.pool;
  b->finished_at = at;
}

/* The lists of a segment: taps first, first + period, ... `count` of them. input: the image row;
 * back: as in unit_plan_phase, of the last tap. */
static void walk_segment(block *b, const int8_t *input, ptrdiff_t phase, ptrdiff_t back,
                         ptrdiff_t reach) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan_axis *x = &layer->x;
  /* Coordinates count positions of the phase, from the first one in the padding on. */
  const ptrdiff_t padded = x->padding - phase;
  ptrdiff_t from = padded <= 0 ? 0 : unit_quotient(padded - 1, x->stride) + 1;
  const ptrdiff_t last = x->input - 1 + padded;
  if (last < 0) return;
  ptrdiff_t end = unit_quotient(last, x->stride) + 1;
  if (from < back - reach) from = back - reach;
  if (end > back + x->output) end = back + x->output;
  if (from >= end) return;
  const ptrdiff_t column = from - back;
  unit_plan_row *row = &b->row;
  row->input = input + (from * row->input_step - padded * layer->groups * layer->depth);
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
  if (y >= 0 && passed < lists) {
    /* The ring holds the rows from the next to be finished on. */
    const size_t ring_end = (size_t)b->ring_end, back = (size_t)step * (size_t)layer->pitch;
    size_t at = (size_t)b->finished_at + (size_t)(y - b->finished) * (size_t)layer->pitch;
    if (at >= ring_end) at -= ring_end;
    for (;;) {
      b->to[placed++] = (uint16_t)at;
      y -= step;
      if (y < 0 || passed + placed == lists) break;
      at += at < back ? ring_end - back : -back;
    }
  }
  b->to[placed] = UINT16_MAX;
  b->row.passed = (int16_t)passed;
  b->row.lists = (int16_t)placed;
  return placed;
}

/* One row of the image. y: the output row of a tap at the row's upper end; taps: those of its
 * phase; lists_before, firsts_before: of a segment, those of the phases before, for one channel. */
static void walk_row(block *b, const int8_t *input, ptrdiff_t y, const unit_plan_phase *taps,
                     ptrdiff_t lists_before, ptrdiff_t firsts_before) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan *plan = layer->plan;
  if (place_lists(b, y - taps->back, taps->count) == 0) return;
  unit_plan_row *row = &b->row;
  row->count_step = taps->count * plan->classes;
  row->count = b->count + (layer->depth * lists_before + row->passed) * plan->classes;
  row->first = b->first + layer->depth * firsts_before;
  for (ptrdiff_t phase = 0; phase < layer->x.stride; phase++) {
    const unit_plan_phase columns = unit_plan_phase_of(&layer->x, phase);
    ptrdiff_t back = columns.back;
    for (ptrdiff_t left = columns.count; left > 0;) {
      const ptrdiff_t some = left < plan->taps ? left : plan->taps;
      const ptrdiff_t reach = (some - 1) * layer->x.tap_step;
      walk_segment(b, input, phase, back + reach, reach);
      back += reach + layer->x.tap_step;
      left -= some;
      row->count += b->segment_count;
      row->first += b->segment_first;
    }
  }
}

static ptrdiff_t phases_with_taps(const unit_plan_axis *axis) {
  return axis->kernel < axis->period ? axis->kernel : axis->period;
}

static void run_block(block *b) {
  const unit_plan_layer *layer = b->layer;
  const unit_plan_axis *y = &layer->y;
  const int8_t *input = b->input;
  ptrdiff_t output = unit_quotient(y->padding, y->stride);
  ptrdiff_t phase = y->padding - output * y->stride;
  ptrdiff_t lists_before = 0, firsts_before = 0;
  for (ptrdiff_t before = 0; before < phase; before++) {
    const ptrdiff_t lists = unit_plan_phase_of(y, before).count;
    lists_before += lists;
    firsts_before += lists > 0;
  }
  /* Rows before it see neither this row nor one behind it; their accumulators may be needed now. */
  ptrdiff_t done = y->padding - (y->kernel - 1) * y->dilation;
  unit_fill((uint32_t *)b->ring, (ptrdiff_t)layer->ring, 0);
  b->finished = 0;
  b->finished_at = 0;
  b->sees = (y->pool - 1) * y->stride;
  for (ptrdiff_t image_row = 0; image_row < y->input; image_row++, done++, input += b->input_row) {
    while (b->finished < y->output && b->sees < done) finish_row(b);
    const unit_plan_phase taps = unit_plan_phase_of(y, phase);
    walk_row(b, input, output, &taps, lists_before, firsts_before);
    lists_before += taps.count;
    firsts_before += taps.count > 0;
    if (++phase < y->stride) continue;
    phase = 0;
    lists_before = 0;
    firsts_before = 0;
    output++;
  }
  while (b->finished < y->output) finish_row(b);
}

static ptrdiff_t segments_of(const unit_plan_layer *layer) {
  ptrdiff_t segments = 0;
  for (ptrdiff_t phase = 0; phase < layer->x.stride; phase++) {
    const ptrdiff_t taps = unit_plan_phase_of(&layer->x, phase).count;
    segments += unit_quotient(taps + layer->plan->taps - 1, layer->plan->taps);
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
      b->channels = unit_outputs_of(layer->quant, layer->activation, layer->output_offset,
                                    layer->bias, plan->compensation, (int32_t)b->channel);
      run_block(b);
      b->count += segments * b->segment_count;
      b->first += segments * b->segment_first;
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
  const unit_plan_axis *y = &layer->y, *x = &layer->x;
  block b;
  b.layer = layer;
  b.ring = scratch;
  b.to = (uint16_t *)(void *)(scratch + layer->ring);
  b.input_row = x->input * layer->groups * layer->depth;
  b.output_step = layer->groups * layer->channels;
  b.output_row = x->windows * b.output_step;
  b.pools = y->pool > 1 || x->pool > 1;
  b.ring_end = layer->rows * layer->pitch;
  b.segment_count = layer->depth * y->kernel * plan->classes;
  b.segment_first = layer->depth * phases_with_taps(y);
  b.row.class_of = plan->class_of;
  b.row.weight = plan->weight;
  b.row.at = plan->at;
  b.row.critical = plan->critical;
  b.row.row = b.to;
  b.row.input_step = x->stride * layer->groups * layer->depth;
  b.row.acc_step = plan->outputs;
  b.row.channels = (int16_t)layer->depth;
  b.row.classes = plan->classes;
  b.row.input_offset = layer->input_offset;
  for (ptrdiff_t n = 0; n < layer->images; n++) {
    run_image(&b, layer->input + n * y->input * b.input_row,
              layer->output + n * y->windows * b.output_row);
  }
#ifdef UNIT_ENABLE_COUNTERS
  if (layer->counters != NULL) unit_plan_count_all(layer);
#endif
  return UNIT_SUCCESS;
}
