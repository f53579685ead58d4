#include <string.h>

#include "unit_fully_connected_walk.h"
#include "unit_mac.h"

/* Counts the products of one activation. quotient: -1 skips nothing. */
static void count_column(unit_counters *counters, int32_t output, const unit_columns *columns,
                         const unit_term *term, int16_t quotient) {
  for (int16_t i = 0; i < columns->outputs; i++) {
    const int8_t w = columns->weight[(ptrdiff_t)term->at + i * columns->step];
    unit_count(counters, output + i, term->x, w, unit_magnitude(w) <= quotient);
  }
}

/* Replaces |x| - 1 by the quotient of |x|. */
static void divide_terms(const unit_threshold *threshold, unit_term *term, const unit_term *end) {
  if (threshold->value <= UNIT_NEVER_SKIP) {
    for (; term < end; term++) term->below = 0; /* leaving out zero products makes no difference */
  } else if (threshold->row != NULL && !UNIT_COUNTING) {
    const uint8_t *row = threshold->row + 1;
    for (; term < end; term++) term->below = row[term->below];
  } else {
    for (; term < end; term++) term->below = unit_quotient(threshold, (uint8_t)(term->below + 1));
  }
}

/* Adds the surviving products of one row of inputs to the accumulators of outputs that share a
 * threshold, in pieces. */
static void add_columns(const unit_context *ctx, const unit_prune_params *prune, int32_t output,
                        unit_columns *columns, unit_term *terms, int16_t input_offset,
                        const int8_t *input) {
  const unit_threshold threshold = unit_threshold_of(prune, output);
  for (ptrdiff_t left = columns->step; left > 0; left -= UNIT_PATCH_TERMS) {
    const int16_t some = left < UNIT_PATCH_TERMS ? (int16_t)left : UNIT_PATCH_TERMS;
    terms[0].at = 0;
    const unit_term *end = unit_collect(input, some, input_offset, terms);
    divide_terms(&threshold, terms, end);
    for (const unit_term *term = terms; UNIT_COUNTING && term < end; term++) {
      const int skips = threshold.value > UNIT_NEVER_SKIP;
      count_column(ctx->counters, output, columns, term, skips ? (int16_t)term->below : -1);
    }
    columns->count = (int16_t)(end - terms);
    if (columns->count > 0) unit_add_columns(columns);
    input += some;
    columns->weight += some;
  }
}

/* How many outputs from `output` on share its threshold, as far as a column goes. */
static int16_t run_of_outputs(const unit_prune_params *prune, int32_t output, int32_t outputs) {
  const int32_t limit = outputs - output < UNIT_COLUMN ? outputs : output + UNIT_COLUMN;
  const int32_t size = prune->group_size;
  const int16_t *threshold = prune->threshold + output / size;
  const int16_t first = *threshold;
  int32_t end = output - output % size;
  for (; end < limit && *threshold == first; threshold++) {
    if (size >= limit - end) return (int16_t)(limit - output);
    end += size;
  }
  return (int16_t)(end - output);
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
  unit_columns columns;
  unit_term terms[UNIT_PATCH_TERMS];
  columns.term = terms;
  columns.step = inputs;
  columns.acc = acc;
  for (int32_t row = 0; row < input_dims->n; row++) {
    const int8_t *weight = filter;
    for (int32_t o = 0; o < outputs; o += columns.outputs) {
      columns.weight = weight;
      columns.outputs = run_of_outputs(prune, o, outputs);
      memset(acc, 0, (size_t)columns.outputs * sizeof(*acc));
      add_columns(ctx, prune, o, &columns, terms, (int16_t)params->input_offset, input);
      unit_fully_connected_store(&walk, acc, o, columns.outputs, output);
      weight += columns.outputs * inputs;
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
