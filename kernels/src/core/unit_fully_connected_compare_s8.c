#include <string.h>

#include "unit_fully_connected_walk.h"

/* Adds one activation's surviving products to all accumulators. weight: first of the activation's
 * column. A new division only where the threshold changes. */
static void add_column(const unit_prune_params *prune, unit_counters *counters, int16_t x,
                       const int8_t *weight, ptrdiff_t inputs, int32_t outputs, int32_t *acc) {
  const uint8_t control = (uint8_t)unit_magnitude(x);
  int16_t threshold = UNIT_NEVER_SKIP;
  int16_t largest_skipped = -1;
  ptrdiff_t at = 0;
  int32_t end = 0;
  if (x == 0 && !UNIT_COUNTING) return;
  for (int32_t group = 0, o = 0; o < outputs; group++) {
    if (prune->threshold[group] != threshold) {
      threshold = prune->threshold[group];
      largest_skipped = threshold < 0 ? -1 : unit_prune_quotient(prune, group, control);
    }
    end = prune->group_size < outputs - o ? o + prune->group_size : outputs;
    for (; o < end; o++) {
      const int skip = unit_magnitude(weight[at]) <= largest_skipped;
      unit_count(counters, o, x, weight[at], skip);
      if (!skip) acc[o] += unit_product(x, weight[at]);
      at += inputs;
    }
  }
}

unit_status unit_fully_connected_compare_s8(const unit_context *ctx, const unit_fc_params *params,
                                            const unit_quant_params *quant,
                                            const unit_prune_params *prune,
                                            const unit_dims *input_dims, const int8_t *input,
                                            const unit_dims *filter_dims, const int8_t *filter,
                                            const int32_t *bias, const unit_dims *output_dims,
                                            int8_t *output) {
  const int32_t size = unit_fully_connected_compare_s8_get_buffer_size(filter_dims);
  const ptrdiff_t inputs = (ptrdiff_t)filter_dims->n;
  const int32_t outputs = filter_dims->c;
  int32_t *acc = unit_scratch(ctx, size);
  if (acc == NULL || output_dims->c != outputs || !unit_prune_is_complete(prune)) {
    return UNIT_ARG_ERROR;
  }
  for (int32_t row = 0; row < input_dims->n; row++) {
    memset(acc, 0, (size_t)size);
    for (ptrdiff_t i = 0; i < inputs; i++) {
      const int16_t x = (int16_t)(input[i] + params->input_offset);
      add_column(prune, ctx->counters, x, filter + i, inputs, outputs, acc);
    }
    unit_fully_connected_store(params, quant, bias, prune->compensation, acc, outputs, output);
    input += inputs;
    output += outputs;
  }
  return UNIT_SUCCESS;
}

int32_t unit_fully_connected_compare_s8_get_buffer_size(const unit_dims *filter_dims) {
  return filter_dims->c * (int32_t)sizeof(int32_t);
}
