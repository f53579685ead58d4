#include <string.h>

#include "unit_fully_connected_walk.h"
#include "unit_mac.h"

#define TERMS 88           /* activations that are not zero in a piece of a row */
#define SHORT_RUN 4        /* fewer outputs than this with one threshold are not worth columns */
#define SHORT_RUN_EXACT 16 /* the same where a division per column comes on top */

/* Outputs that are computed together, one row of inputs after the other. */
typedef struct {
  const unit_context *ctx;
  const unit_prune_params *prune;
  int16_t input_offset;
  int32_t first;
  int is_run; /* whether they share a threshold */
  unit_columns columns;
  unit_term terms[TERMS];
} block;

/* By class as unit_classify_terms() leaves it. */
static const uint8_t *quotients_of(const unit_threshold *threshold) {
  return threshold->divider == UNIT_DIVIDER_TABLE ? threshold->quotient + 1 : threshold->quotient;
}

/* Replaces classes by quotients. */
static void divide_terms(const unit_threshold *threshold, unit_term *term, const unit_term *end) {
  if (threshold->value <= UNIT_NEVER_SKIP) {
    for (; term < end; term++) term->below = 0; /* leaving out zero products makes no difference */
  } else if (threshold->quotient != NULL) {
    const uint8_t *quotient = quotients_of(threshold);
    for (; term < end; term++) term->below = quotient[term->below];
  } else {
    const uint16_t dividend = (uint16_t)threshold->value;
    for (; term < end; term++) term->below = (uint16_t)(dividend / (uint16_t)(term->below + 1));
  }
}

#if UNIT_COUNTING
static int is_skipped(const unit_threshold *threshold, const unit_term *term, int8_t w) {
  if (threshold->value <= UNIT_NEVER_SKIP) return 0;
  if (term->x == 0) return 1;
  if (threshold->quotient == NULL) {
    return unit_magnitude((int16_t)(term->x * w)) <= threshold->value;
  }
  return unit_magnitude(w) <= quotients_of(threshold)[term->below];
}

static void count_output(const block *of, int32_t output, const unit_threshold *threshold,
                         const int8_t *weight) {
  unit_counters *counters = unit_context_counters(of->ctx);
  const unit_term *end = of->columns.term + of->columns.count;
  if (counters == NULL) return;
  unit_tally tally = {0, 0, 0, counters->skipped_sum != NULL};
  for (const unit_term *term = of->columns.term; term < end; term++) {
    const int8_t w = weight[term->at];
    unit_tally_add(&tally, term->x, w, is_skipped(threshold, term, w));
  }
  unit_count_tally(counters, output, of->columns.count, &tally);
}
#else
static void count_output(const block *of, int32_t output, const unit_threshold *threshold,
                         const int8_t *weight) {
  (void)of, (void)output, (void)threshold, (void)weight;
}
#endif

/* Adds the surviving products of classified terms, output by output. */
static void add_rows(const block *of) {
  const unit_columns *columns = &of->columns;
  const int8_t *weight = columns->weight;
  int32_t *acc = columns->acc;
  unit_threshold threshold;
  for (int16_t i = 0; i < columns->outputs; i++, weight += columns->step) {
    unit_threshold_of(of->prune, of->first + i, &threshold);
    count_output(of, of->first + i, &threshold, weight);
    if (threshold.quotient != NULL) {
      *acc++ +=
          unit_sum_above_quotients(weight, columns->term, columns->count, quotients_of(&threshold));
    } else {
      const int16_t value = threshold.value > UNIT_NEVER_SKIP ? threshold.value : 0;
      *acc++ += unit_sum_above_threshold(weight, columns->term, columns->count, value);
    }
  }
}

/* The same, input by input, for outputs that share a threshold. */
static void add_columns(block *of) {
  const unit_columns *columns = &of->columns;
  const int8_t *weight = columns->weight;
  unit_threshold threshold;
  unit_threshold_of(of->prune, of->first, &threshold);
  for (int16_t i = 0; UNIT_COUNTING && i < columns->outputs; i++, weight += columns->step) {
    count_output(of, of->first + i, &threshold, weight);
  }
  divide_terms(&threshold, of->terms, of->terms + columns->count);
  unit_add_columns(columns);
}

/* Adds the surviving products of one row of inputs to the accumulators, in pieces. */
static void add_inputs(block *of, const int8_t *input) {
  unit_columns *columns = &of->columns;
  unit_term *terms = of->terms;
  for (ptrdiff_t left = columns->step; left > 0;) {
    unit_term *end = terms;
    int16_t at = 0;
    do { /* Small remainders of the piece are not worth their calls; indices have to fit. */
      const int16_t room = (int16_t)(TERMS - (end - terms));
      const int16_t some = left < room ? (int16_t)left : room;
      end->at = (uint16_t)at;
      end = unit_collect(input, some, of->input_offset, end);
      at = (int16_t)(at + some);
      input += some;
      left -= some;
    } while (left > 0 && end - terms <= TERMS - UNIT_PATCH_ROOM && at <= INT16_MAX - TERMS);
    columns->count = (int16_t)(end - terms);
    if (columns->count > 0) {
      for (unit_term *zero = terms; UNIT_COUNTING && zero < end; zero++) {
        if (zero->x == 0) zero->below = 0; /* any will do */
      }
      unit_classify_terms(of->prune, terms, end);
      if (of->is_run) {
        add_columns(of);
      } else {
        add_rows(of);
      }
    }
    columns->weight += at;
  }
}

/* How many outputs from `output` on share its threshold, up to `limit`. */
static int32_t run_of_outputs(const unit_prune_params *prune, int32_t output, int32_t limit) {
  const int32_t size = prune->group_size;
  const int32_t group = unit_group_of(prune, output);
  const int16_t *threshold = prune->threshold + group;
  const int16_t first = *threshold;
  int32_t end = group * size;
  for (; end < limit && *threshold == first; threshold++) {
    if (size >= limit - end) return limit - output;
    end += size;
  }
  return end - output;
}

/* Puts the outputs from `first` on into a block: a run of equal thresholds or several short ones.
 */
static void begin_block(block *of, int32_t first, int32_t outputs) {
  const int32_t limit = outputs - first < UNIT_COLUMN ? outputs : first + UNIT_COLUMN;
  const int32_t shorter = of->prune->divider == UNIT_DIVIDER_EXACT ? SHORT_RUN_EXACT : SHORT_RUN;
  int32_t end = first;
  int32_t run;
  do {
    run = run_of_outputs(of->prune, end, limit);
    if (run >= shorter) break;
    end += run;
  } while (end < limit);
  of->is_run = end == first;
  if (of->is_run) end += run;
  of->first = first;
  of->columns.outputs = (int16_t)(end - first);
  memset(of->columns.acc, 0, (size_t)(end - first) * sizeof(*of->columns.acc));
}

unit_status unit_fully_connected_compare_s8(const unit_context *ctx, const unit_fc_params *params,
                                            const unit_quant_params *quant,
                                            const unit_prune_params *prune,
                                            const unit_dims *input_dims, const int8_t *input,
                                            const unit_dims *filter_dims, const int8_t *filter,
                                            const int32_t *bias, const unit_dims *output_dims,
                                            int8_t *output) {
  const ptrdiff_t inputs = (ptrdiff_t)filter_dims->n;
  const int32_t outputs = filter_dims->c;
  int32_t *acc = unit_scratch(ctx, unit_fully_connected_compare_s8_get_buffer_size(filter_dims));
  if (acc == NULL || output_dims->c != outputs || !unit_prune_is_complete(prune)) {
    return UNIT_ARG_ERROR;
  }
  const unit_fc_walk walk = {params, quant, bias, prune->compensation};
  block of;
  of.ctx = ctx;
  of.prune = prune;
  of.input_offset = (int16_t)params->input_offset;
  of.columns.term = of.terms;
  of.columns.step = inputs;
  of.columns.acc = acc;
  for (int32_t row = 0; row < input_dims->n; row++) {
    const int8_t *weight = filter;
    for (int32_t o = 0; o < outputs; o += of.columns.outputs) {
      begin_block(&of, o, outputs);
      of.columns.weight = weight;
      add_inputs(&of, input);
      unit_fully_connected_store(&walk, acc, o, of.columns.outputs, output);
      weight += of.columns.outputs * inputs;
    }
    input += inputs;
    output += outputs;
  }
  return UNIT_SUCCESS;
}

int32_t unit_fully_connected_compare_s8_get_buffer_size(const unit_dims *filter_dims) {
  const int32_t outputs = filter_dims->c < UNIT_COLUMN ? filter_dims->c : UNIT_COLUMN;
  return outputs * (int32_t)sizeof(int32_t);
}
