#include "unit_functions.h"
#include "unit_plan.h"
#include "unit_plan_list.h"
#include "unit_prune.h"

#ifdef UNIT_ENABLE_COUNTERS
/* All MACs of a row as skipped. */
static void count_all(unit_counters *counters, const int8_t *filter, const int8_t *input,
                      const unit_dims *filter_dims, int16_t offset) {
  for (int32_t o = 0; o < filter_dims->c; o++) {
    for (ptrdiff_t i = 0; i < (ptrdiff_t)filter_dims->n; i++) {
      unit_count(counters, o, (int16_t)(input[i] + offset), *filter++, 1);
    }
  }
}

/* Takes back those that a block walks. channel: its first output. */
static void count_walked(unit_counters *counters, const unit_plan_inputs *inputs,
                         ptrdiff_t channel) {
  const uint8_t *count = inputs->count;
  ptrdiff_t first = 0;
  for (const int8_t *input = inputs->input; input < inputs->end; input++) {
    const uint8_t class = inputs->class_of[(uint8_t)*input];
    if (class != 0) {
      const int16_t x = (int16_t)(*input + inputs->input_offset);
      const uint8_t *critical = inputs->critical != NULL ? inputs->critical + first : NULL;
      const uint8_t n = unit_plan_counting(count, critical, inputs->classes, class, x);
      for (ptrdiff_t i = first; i < first + n; i++) {
        unit_count_walked(counters, channel + inputs->at[i] / 4, x, inputs->weight[i]);
      }
    }
    first += count[inputs->classes - 1];
    count += inputs->classes;
  }
}
#endif

static unit_plan_inputs inputs_of(const unit_plan *plan, const unit_fc_params *params,
                                  int32_t *acc) {
  unit_plan_inputs inputs;
  inputs.class_of = plan->class_of;
  inputs.weight = plan->weight;
  inputs.at = plan->at;
  inputs.critical = plan->critical;
  inputs.count = plan->count;
  inputs.acc = acc;
  inputs.classes = plan->classes;
  inputs.input_offset = (int16_t)params->input_offset;
  return inputs;
}

unit_status unit_fully_connected_planned_s8(const unit_context *ctx, const unit_fc_params *params,
                                            const unit_quant_params *quant, const unit_plan *plan,
                                            const unit_dims *input_dims, const int8_t *input,
                                            const unit_dims *filter_dims, const int32_t *bias,
                                            const unit_dims *output_dims, int8_t *output) {
  if (!unit_plan_is_complete(plan)) return UNIT_ARG_ERROR;
  int32_t *acc = unit_scratch(ctx, unit_fully_connected_planned_s8_get_buffer_size(plan));
  if (acc == NULL || output_dims->c != filter_dims->c) return UNIT_ARG_ERROR;
  if (UNIT_COUNTING && unit_context_counters(ctx) != NULL && plan->filter == NULL) {
    return UNIT_ARG_ERROR;
  }
  const ptrdiff_t depth = (ptrdiff_t)filter_dims->n;
  unit_plan_inputs inputs = inputs_of(plan, params, acc);
  unit_outputs channels = unit_outputs_of(quant, &params->activation, params->output_offset, bias,
                                          plan->compensation, 0);
  for (int32_t left = filter_dims->c; left > 0; left -= plan->outputs) {
    const int16_t some = left < plan->outputs ? (int16_t)left : plan->outputs;
    ptrdiff_t walked = 0;
    int8_t *to = output + (filter_dims->c - left);
    inputs.end = input;
    for (int32_t n = input_dims->n; n > 0; n--, to += filter_dims->c) {
      inputs.input = inputs.end;
      inputs.end += depth;
      unit_fill((uint32_t *)acc, some, 0);
      walked = unit_plan_walk_inputs(&inputs) - inputs.weight;
#ifdef UNIT_ENABLE_COUNTERS
      if (ctx->counters != NULL) count_walked(ctx->counters, &inputs, filter_dims->c - left);
#endif
      unit_store(&channels, acc, some, to);
    }
    if (some == left) break;
    unit_outputs_advance(&channels, some);
    inputs.weight += walked;
    inputs.at += walked;
    if (inputs.critical != NULL) inputs.critical += walked;
    inputs.count += depth * plan->classes;
  }
#ifdef UNIT_ENABLE_COUNTERS
  for (int32_t n = 0; n < input_dims->n && ctx->counters != NULL; n++, input += depth) {
    count_all(ctx->counters, plan->filter, input, filter_dims, inputs.input_offset);
  }
#endif
  return UNIT_SUCCESS;
}

int32_t unit_fully_connected_planned_s8_get_buffer_size(const unit_plan *plan) {
  return plan->outputs * (int32_t)sizeof(int32_t);
}
