#include "unit_sorted.h"

static int32_t *outputs_of(const unit_sorted *layer, int32_t *acc) {
  return acc + layer->x.before + layer->y.before * layer->pitch;
}

void unit_sorted_clear(const unit_sorted *layer, int32_t *acc) {
  unit_fill((uint32_t *)outputs_of(layer, acc), layer->y.output * layer->pitch, 0);
}

/* The largest sums of all windows go to the beginning of the outputs, without gaps. */
static void pool_plane(const unit_sorted *layer, int32_t *acc) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  unit_sum_windows windows = {acc, acc, x->windows, y->pool, layer->pitch, x->pool, 1};
  for (ptrdiff_t row = 0; row < y->windows; row++) {
    unit_largest_sums(&windows);
    windows.sums += y->pool * layer->pitch;
    windows.to += x->windows;
  }
}

void unit_sorted_store(const unit_sorted *layer, ptrdiff_t image, ptrdiff_t channel, int32_t *acc) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  const ptrdiff_t channels = layer->groups * layer->channels;
  const unit_outputs output =
      unit_outputs_of(layer->quant, layer->activation, layer->output_offset, layer->bias,
                      layer->prune->compensation, (int32_t)channel);
  int32_t *sums = outputs_of(layer, acc);
  ptrdiff_t pitch = layer->pitch;
  if (y->pool > 1 || x->pool > 1) {
    pool_plane(layer, sums);
    pitch = x->windows;
  }
  unit_store_plane(&output, sums, (int16_t)x->windows,
                   layer->output + image * y->windows * x->windows * channels + channel, channels,
                   (int16_t)y->windows, pitch);
}
