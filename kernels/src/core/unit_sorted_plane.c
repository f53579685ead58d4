#include "unit_sorted.h"

static int32_t *outputs_of(const unit_sorted *layer, int32_t *acc) {
  return acc + layer->x.before + layer->y.before * layer->pitch;
}

void unit_sorted_clear(const unit_sorted *layer, int32_t *acc) {
  unit_fill((uint32_t *)outputs_of(layer, acc), layer->y.output * layer->pitch, 0);
}

/* Storing a row takes about as long as moving so many outputs. */
#define NARROW 16

/* Moves the outputs to the front of their rows, without slack between the rows. */
static void pack(int32_t *acc, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t pitch) {
  const int32_t *row = acc;
  for (; rows > 0; rows--, row += pitch) {
    const int32_t *from = row, *end = row + columns;
    do *acc++ = *from++;
    while (from < end);
  }
}

void unit_sorted_store(const unit_sorted *layer, ptrdiff_t image, ptrdiff_t channel, int32_t *acc) {
  const ptrdiff_t channels = layer->groups * layer->channels;
  const unit_outputs output =
      unit_outputs_of(layer->quant, layer->activation, layer->output_offset, layer->bias,
                      layer->prune->compensation, (int32_t)channel);
  ptrdiff_t rows = layer->y.output, columns = layer->x.output;
  int32_t *row = outputs_of(layer, acc);
  int8_t *to = layer->output + image * rows * columns * channels + channel;
  if (columns < NARROW && rows <= INT16_MAX / NARROW) {
    pack(row, rows, columns, layer->pitch);
    columns *= rows;
    rows = 1;
  }
  for (; rows > 0; rows--, row += layer->pitch, to += columns * channels) {
    unit_store_plane(&output, row, (int16_t)columns, to, channels);
  }
}
