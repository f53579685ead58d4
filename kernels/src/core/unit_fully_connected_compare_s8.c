#include <string.h>

#include "unit_fully_connected_walk.h"
#include "unit_mac.h"

/* Counts the products of one activation. quotient: -1 skips nothing. */
static void count_column(unit_counters *counters, int32_t output, const unit_column *column,
                         const int8_t *weight, int16_t x, int16_t quotient) {
  for (int16_t i = 0; i < column->count; i++) {
    const int8_t w = weight[i * column->step];
    unit_count(counters, output + i, x, w, unit_magnitude(w) <= quotient);
  }
}

/* Adds the surviving products of one row of inputs to the accumulators of outputs that share a
 * threshold. weight: the first output's. */
static void add_columns(const unit_context *ctx, const unit_prune_params *prune, int32_t output,
                        const unit_column *column, int16_t input_offset, const int8_t *input,
                        const int8_t *weight) {
  const int32_t group = output / prune->group_size;
  const int16_t threshold = prune->threshold[group];
  const uint8_t *row = NULL;
  const int8_t *end = input + column->step;
  if (prune->divider == UNIT_DIVIDER_TABLE && threshold > UNIT_NEVER_SKIP) {
    row = prune->table + (size_t)prune->table_row[group] * UNIT_TABLE_ROW;
  }
  for (; input < end; input++, weight++) {
    const int16_t x = (int16_t)(*input + input_offset);
    uint8_t quotient = 0;
    if (x == 0 && !UNIT_COUNTING) continue;
    if (threshold > UNIT_NEVER_SKIP) {
      const uint8_t control = (uint8_t)unit_magnitude(x);
      quotient = row != NULL ? row[control]
                             : unit_divide(prune->divider, threshold, control, prune->tree, NULL);
    }
    if (UNIT_COUNTING) {
      count_column(ctx->counters, output, column, weight, x,
                   threshold > UNIT_NEVER_SKIP ? (int16_t)quotient : -1);
    }
    /* No |weight| is larger than 128. */
    if (quotient < INT8_MAX + 1) unit_add_column(column, weight, x, quotient);
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
  unit_column column = {inputs, acc, 0};
  for (int32_t row = 0; row < input_dims->n; row++) {
    const int8_t *weight = filter;
    for (int32_t o = 0; o < outputs; o += column.count) {
      column.count = run_of_outputs(prune, o, outputs);
      memset(acc, 0, (size_t)column.count * sizeof(*acc));
      add_columns(ctx, prune, o, &column, (int16_t)params->input_offset, input, weight);
      unit_fully_connected_store(&walk, acc, o, column.count, output);
      weight += column.count * inputs;
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
