#include "unit_plan.h"
#include "unit_plan_list.h"

#ifdef UNIT_ENABLE_COUNTERS
/* The entries of one list. column: output column of its first accumulator. */
static void count_list(const unit_plan_layer *layer, const int8_t *weight, const uint8_t *at,
                       uint8_t count, int16_t x, ptrdiff_t channel, ptrdiff_t column) {
  for (uint8_t i = 0; i < count; i++) {
    const ptrdiff_t acc = at[i] / (ptrdiff_t)sizeof(int32_t);
    const ptrdiff_t output = column + acc / layer->plan->outputs;
    if (output < 0 || output >= layer->x.output) continue;
    unit_count_walked(layer->counters, channel + acc % layer->plan->outputs, x, weight[i]);
  }
}

void unit_plan_count_walked(const unit_plan_layer *layer, const unit_plan_row *row,
                            ptrdiff_t channel, ptrdiff_t column) {
  const int16_t classes = row->classes;
  const int8_t *input = row->input;
  for (int16_t position = 0; position < row->positions; position++, input += row->input_step) {
    for (int16_t c = 0; c < row->channels; c++) {
      const uint8_t class = row->class_of[(uint8_t)input[c]];
      if (class == 0) continue;
      const int16_t x = (int16_t)(input[c] + row->input_offset);
      const uint8_t *count = row->count + c * row->count_step - row->passed * classes;
      uint32_t first = row->first[c];
      for (int16_t list = 0; list < row->passed + row->lists; list++, count += classes) {
        const uint8_t *critical = row->critical != NULL ? row->critical + first : NULL;
        const uint8_t n = unit_plan_counting(count, critical, classes, class, x);
        if (list >= row->passed) {
          count_list(layer, row->weight + first, row->at + first, n, x, channel, column + position);
        }
        first += count[classes - 1];
      }
    }
  }
}

/* The MACs of one weight. image: the inputs of the weight's input channel. */
static void count_weight(const unit_plan_layer *layer, const int8_t *image, int32_t channel,
                         int16_t w, ptrdiff_t ky, ptrdiff_t kx) {
  const unit_plan_axis *y = &layer->y, *x = &layer->x;
  const ptrdiff_t channels = layer->groups * layer->depth;
  for (ptrdiff_t oy = 0; oy < y->output; oy++) {
    const ptrdiff_t iy = oy * y->stride - y->padding + ky * y->dilation;
    if (iy < 0 || iy >= y->input) continue;
    for (ptrdiff_t ox = 0; ox < x->output; ox++) {
      const ptrdiff_t ix = ox * x->stride - x->padding + kx * x->dilation;
      if (ix < 0 || ix >= x->input) continue;
      const int16_t value = (int16_t)(image[(iy * x->input + ix) * channels] + layer->input_offset);
      unit_count(layer->counters, channel, value, w, 1);
    }
  }
}

void unit_plan_count_all(const unit_plan_layer *layer) {
  const ptrdiff_t taps = layer->y.kernel * layer->x.kernel;
  const int8_t *image = layer->input;
  for (ptrdiff_t n = 0; n < layer->images; n++) {
    for (ptrdiff_t channel = 0; channel < layer->groups * layer->channels; channel++) {
      const ptrdiff_t group = channel / layer->channels;
      const int8_t *weight = layer->plan->filter + channel * layer->weight_output;
      for (ptrdiff_t tap = 0; tap < taps; tap++, weight += layer->weight_tap) {
        for (ptrdiff_t c = 0; c < layer->depth; c++) {
          count_weight(layer, image + group * layer->depth + c, (int32_t)channel, weight[c],
                       tap / layer->x.kernel, tap % layer->x.kernel);
        }
      }
    }
    image += layer->y.input * layer->x.input * layer->groups * layer->depth;
  }
}
#else
typedef int unit_plan_counts_nothing; /* C wants something in a file */
#endif
