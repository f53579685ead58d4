#include "unit_sorted.h"

static int32_t *outputs_of(const unit_sorted *layer, int32_t *acc) {
  return acc + layer->x.before + layer->y.before * layer->pitch;
}

void unit_sorted_clear(const unit_sorted *layer, int32_t *acc) {
  unit_fill((uint32_t *)outputs_of(layer, acc), layer->y.output * layer->pitch, 0);
}

void unit_sorted_store(const unit_sorted *layer, ptrdiff_t image, ptrdiff_t channel, int32_t *acc) {
  const ptrdiff_t channels = layer->groups * layer->channels;
  const unit_outputs output =
      unit_outputs_of(layer->quant, layer->activation, layer->output_offset, layer->bias,
                      layer->prune->compensation, (int32_t)channel);
  int8_t *to = layer->output + image * layer->y.output * layer->x.output * channels + channel;
  unit_store_plane(&output, outputs_of(layer, acc), (int16_t)layer->x.output, to, channels,
                   (int16_t)layer->y.output, layer->pitch);
}
