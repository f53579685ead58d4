#include "unit_sorted.h"

#include "unit_span.h"

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

static void init_axis(unit_sorted_axis *axis, int32_t input, int32_t kernel, int32_t output,
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
  axis->phases = axis->kernel < axis->period ? axis->kernel : axis->period;
  axis->first = unit_quotient(axis->padding, axis->stride);
  axis->last = unit_quotient(axis->input - 1 + axis->padding, axis->stride);
  const ptrdiff_t reach = unit_quotient((axis->kernel - 1) * axis->dilation, axis->stride);
  axis->before = larger(0, reach - axis->first);
  axis->after = larger(0, axis->last - (axis->output - 1));
}

/* What both operators need once axes and channels are known. */
static void init_plane(unit_sorted *layer) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  const int32_t rows = (int32_t)(y->before + y->output + y->after);
  layer->last_sign = layer->input_offset != 128 ? -1 : 1;
  layer->pitch = x->output + larger(x->before, x->after);
  layer->taps_row = y->period * x->kernel;
  layer->weights_row = layer->taps_row * layer->weight_tap;
  layer->acc_row = y->tap_step * layer->pitch;
  const int32_t plane = (int32_t)x->before + (int32_t)layer->pitch * rows;
  layer->plane = (ptrdiff_t)plane;
  layer->size = 4 * plane + (((int32_t)(y->kernel * x->kernel) + 3) & ~(int32_t)3);
}

/* unit_store_plane counts outputs with 16 bits. */
static void check_windows(unit_sorted *layer) {
  const int32_t most = (int32_t)larger(layer->y.windows, layer->x.windows);
  if (most > INT16_MAX) layer->size = -1;
}

static void init_lists(unit_sorted *layer) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  const int32_t reach =
      (int32_t)(y->last - y->first) * (int32_t)layer->pitch + (int32_t)(x->last - x->first);
  const int32_t entries = (int32_t)unit_quotient(y->input + y->stride - 1, y->stride) *
                          (int32_t)unit_quotient(x->input + x->stride - 1, x->stride);
  const int32_t list = (3 * entries + (layer->last_sign < 0 ? 1028 : 516) + 3) & ~(int32_t)3;
  const int32_t all_lists = (int32_t)layer->depth * (int32_t)(y->phases * x->phases) * list;
  const int32_t more_planes = 4 * (int32_t)layer->plane * (int32_t)(layer->channels - 1);
  layer->entries = (ptrdiff_t)entries;
  layer->list_bytes = (ptrdiff_t)list;
  layer->keeps_lists = all_lists < list + more_planes;
  layer->size += layer->keeps_lists ? all_lists : list + more_planes;
  if (4 * reach > UINT16_MAX) layer->size = -1;
}

void unit_sorted_init_conv(unit_sorted *layer, const unit_conv_params *params,
                           const unit_dims *input_dims, const unit_dims *filter_dims,
                           const unit_dims *output_dims) {
  layer->size = -1;
  layer->depth = (ptrdiff_t)filter_dims->c;
  if (layer->depth < 1 || params->pool.h < 1 || params->pool.w < 1) return;
  layer->groups = unit_quotient((ptrdiff_t)input_dims->c, layer->depth);
  if (layer->groups < 1 || input_dims->c != (int32_t)layer->groups * filter_dims->c) return;
  layer->channels = unit_quotient((ptrdiff_t)output_dims->c, layer->groups);
  if (output_dims->c != (int32_t)layer->channels * (int32_t)layer->groups) return;
  init_axis(&layer->y, input_dims->h, filter_dims->h, output_dims->h, params->pool.h,
            params->stride.h, params->padding.h, params->dilation.h);
  init_axis(&layer->x, input_dims->w, filter_dims->w, output_dims->w, params->pool.w,
            params->stride.w, params->padding.w, params->dilation.w);
  layer->images = (ptrdiff_t)output_dims->n;
  layer->weight_tap = layer->depth;
  layer->weight_output = layer->y.kernel * layer->x.kernel * layer->depth;
  layer->input_offset = params->input_offset;
  layer->output_offset = params->output_offset;
  layer->activation = &params->activation;
  init_plane(layer);
  init_lists(layer);
  check_windows(layer);
}

void unit_sorted_init_depthwise(unit_sorted *layer, const unit_dw_conv_params *params,
                                const unit_dims *input_dims, const unit_dims *filter_dims,
                                const unit_dims *output_dims) {
  layer->size = -1;
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
  layer->input_offset = params->input_offset;
  layer->output_offset = params->output_offset;
  layer->activation = &params->activation;
  init_plane(layer);
  layer->size += UNIT_SORTED_NEEDS;
  check_windows(layer);
}

unit_sorted_list unit_sorted_list_at(const unit_sorted *layer, uint8_t *memory) {
  unit_sorted_list list;
  list.end = (uint16_t *)(void *)memory + (layer->last_sign < 0 ? 256 : 0);
  list.at = list.end + 258;
  list.x = (uint8_t *)(list.at + layer->entries);
  return list;
}

unit_sorted_span unit_sorted_span_of(const unit_sorted_axis *axis, ptrdiff_t phase) {
  unit_sorted_span span = {0, axis->input, 0};
  if (axis->stride == 1) return span;
  const ptrdiff_t residue = phase * axis->dilation % axis->stride;
  const ptrdiff_t padded = axis->padding % axis->stride;
  span.first = residue - padded;
  span.at = 0;
  if (span.first < 0) {
    span.first += axis->stride;
    span.at = 1;
  }
  span.count =
      span.first < axis->input ? (axis->input - span.first + axis->stride - 1) / axis->stride : 0;
  return span;
}

int32_t *unit_sorted_first_tap(const unit_sorted *layer, const unit_sorted_phase *phase,
                               int32_t *acc) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  const ptrdiff_t row = y->before + y->first - unit_quotient(phase->y * y->dilation, y->stride);
  const ptrdiff_t column = x->before + x->first - unit_quotient(phase->x * x->dilation, x->stride);
  return acc + row * layer->pitch + column;
}
