#include "unit_sorted.h"

#ifdef UNIT_ENABLE_COUNTERS
/* The MACs of one weight. image: the inputs of the weight's input channel;
 * limit: the largest magnitude that is skipped, -1: none. */
static void count_weight(const unit_sorted *layer, const int8_t *image, int32_t channel, int16_t w,
                         int16_t limit, ptrdiff_t ky, ptrdiff_t kx) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  const ptrdiff_t channels = layer->groups * layer->depth;
  for (ptrdiff_t oy = 0; oy < y->output; oy++) {
    const ptrdiff_t iy = oy * y->stride - y->padding + ky * y->dilation;
    if (iy < 0 || iy >= y->input) continue;
    for (ptrdiff_t ox = 0; ox < x->output; ox++) {
      const ptrdiff_t ix = ox * x->stride - x->padding + kx * x->dilation;
      if (ix < 0 || ix >= x->input) continue;
      const int16_t value = (int16_t)(image[(iy * x->input + ix) * channels] + layer->input_offset);
      unit_count(layer->counters, channel, value, w, unit_magnitude(value) <= limit);
    }
  }
}

/* All pairs with one output channel. image: the inputs of its group. */
static void count_channel(const unit_sorted *layer, const int8_t *image, ptrdiff_t channel,
                          uint8_t *quotient) {
  const ptrdiff_t taps = layer->y.kernel * layer->x.kernel;
  unit_threshold threshold;
  unit_threshold_of(layer->prune, (int32_t)channel, &threshold);
  for (ptrdiff_t input = 0; input < layer->depth; input++) {
    const int8_t *weight = layer->filter + channel * layer->weight_output + input;
    unit_divide_weights(&threshold, weight, layer->weight_tap, taps, quotient);
    for (ptrdiff_t tap = 0; tap < taps; tap++) {
      const int16_t limit = threshold.value > UNIT_NEVER_SKIP ? quotient[tap] : -1;
      count_weight(layer, image + input, (int32_t)channel, weight[tap * layer->weight_tap], limit,
                   tap / layer->x.kernel, tap % layer->x.kernel);
    }
  }
}

void unit_sorted_count(const unit_sorted *layer, uint8_t *quotient) {
  const ptrdiff_t inputs = layer->groups * layer->depth;
  const int8_t *image = layer->input;
  for (ptrdiff_t n = 0; n < layer->images; n++) {
    for (ptrdiff_t channel = 0; channel < layer->groups * layer->channels; channel++) {
      const ptrdiff_t group = channel / layer->channels;
      count_channel(layer, image + group * layer->depth, channel, quotient);
    }
    image += layer->y.input * layer->x.input * inputs;
  }
}
#else
typedef int unit_sorted_counts_nothing; /* C wants something in a file */
#endif
