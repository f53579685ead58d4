#include "unit_plan.h"
#include "unit_span.h"

static void init_axis(unit_plan_axis *axis, int32_t input, int32_t kernel, int32_t output,
                      int32_t pool, int32_t stride, int32_t padding, int32_t dilation) {
  axis->input = (ptrdiff_t)input;
  axis->kernel = (ptrdiff_t)kernel;
  axis->pool = (ptrdiff_t)pool;
  axis->windows = (ptrdiff_t)output;
  axis->output = axis->windows * axis->pool;
  axis->stride = (ptrdiff_t)stride;
  axis->padding = (ptrdiff_t)padding;
  axis->dilation = (ptrdiff_t)dilation;
  const ptrdiff_t common =
      axis->stride == 1 ? 1 : unit_common_divisor(axis->stride, axis->dilation);
  axis->period = unit_quotient(axis->stride, common);
  axis->tap_step = unit_quotient(axis->dilation, common);
}

/* What both operators need once axes and channels are known. */
static void init_scratch(unit_plan_layer *layer) {
  const unit_plan *plan = layer->plan;
  if (!unit_plan_is_complete(plan) || plan->first == NULL || plan->taps < 1) return;
  const unit_plan_axis *y = &layer->y, *x = &layer->x;
  const ptrdiff_t most = unit_quotient(x->kernel - 1, x->period) + 1;
  const ptrdiff_t taps = most < plan->taps ? most : plan->taps;
  layer->slack = (taps - 1) * x->tap_step;
  if ((layer->slack + 1) * plan->outputs > UNIT_PLAN_WINDOW) return;
  const ptrdiff_t rows = unit_quotient((y->kernel - 1) * y->dilation, y->stride) + y->pool;
  layer->rows = rows < y->output ? rows : y->output;
  layer->pitch = (x->output + layer->slack) * plan->outputs;
  layer->ring =
      (int32_t)layer->rows * (int32_t)layer->pitch + (int32_t)layer->slack * plan->outputs;
  if (layer->ring > INT16_MAX) return;
  layer->size = 4 * layer->ring + ((2 * (int32_t)y->kernel + 5) & ~(int32_t)3);
}

void unit_plan_init_conv(unit_plan_layer *layer, const unit_conv_params *params,
                         const unit_plan *plan, const unit_dims *input_dims,
                         const unit_dims *filter_dims, const unit_dims *output_dims) {
  layer->size = -1;
  layer->plan = plan;
  layer->depth = (ptrdiff_t)filter_dims->c;
  if (layer->depth < 1 || params->pool.h < 1 || params->pool.w < 1) return;
  layer->groups = unit_quotient((ptrdiff_t)input_dims->c, layer->depth);
  if (layer->groups < 1 || input_dims->c != (int32_t)layer->groups * filter_dims->c) return;
  layer->channels = unit_quotient((ptrdiff_t)output_dims->c, layer->groups);
  if (layer->channels < 1) return;
  if (output_dims->c != (int32_t)layer->channels * (int32_t)layer->groups) return;
  init_axis(&layer->y, input_dims->h, filter_dims->h, output_dims->h, params->pool.h,
            params->stride.h, params->padding.h, params->dilation.h);
  init_axis(&layer->x, input_dims->w, filter_dims->w, output_dims->w, params->pool.w,
            params->stride.w, params->padding.w, params->dilation.w);
  layer->images = (ptrdiff_t)output_dims->n;
  layer->weight_tap = layer->depth;
  layer->weight_output = layer->y.kernel * layer->x.kernel * layer->depth;
  layer->input_offset = (int16_t)params->input_offset;
  layer->output_offset = (int16_t)params->output_offset;
  layer->activation = &params->activation;
  init_scratch(layer);
}

void unit_plan_init_depthwise(unit_plan_layer *layer, const unit_dw_conv_params *params,
                              const unit_plan *plan, const unit_dims *input_dims,
                              const unit_dims *filter_dims, const unit_dims *output_dims) {
  layer->size = -1;
  layer->plan = plan;
  if (params->ch_mult < 1 || output_dims->c != input_dims->c * params->ch_mult) return;
  init_axis(&layer->y, input_dims->h, filter_dims->h, output_dims->h, 1, params->stride.h,
            params->padding.h, params->dilation.h);
  init_axis(&layer->x, input_dims->w, filter_dims->w, output_dims->w, 1, params->stride.w,
            params->padding.w, params->dilation.w);
  layer->images = (ptrdiff_t)output_dims->n;
  layer->groups = (ptrdiff_t)input_dims->c;
  layer->depth = 1;
  layer->channels = (ptrdiff_t)params->ch_mult;
  layer->weight_tap = (ptrdiff_t)output_dims->c;
  layer->weight_output = 1;
  layer->input_offset = (int16_t)params->input_offset;
  layer->output_offset = (int16_t)params->output_offset;
  layer->activation = &params->activation;
  init_scratch(layer);
}

unit_plan_phase unit_plan_phase_of(const unit_plan_axis *axis, ptrdiff_t phase) {
  unit_plan_phase taps = {0, 0, 0};
  if (axis->stride == 1) {
    taps.count = axis->kernel;
    return taps;
  }
  const ptrdiff_t end = axis->kernel < axis->period ? axis->kernel : axis->period;
  while (taps.first < end && taps.first * axis->dilation % axis->stride != phase) taps.first++;
  if (taps.first == end) return taps;
  taps.count = (axis->kernel - 1 - taps.first) / axis->period + 1;
  taps.back = taps.first * axis->dilation / axis->stride;
  return taps;
}
