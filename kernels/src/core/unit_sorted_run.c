#include "unit_sorted.h"

/* Where a run keeps things. */
typedef struct {
  const unit_sorted *layer;
  uint8_t *lists;
  int32_t *acc;
  uint8_t *quotient;
} run;

/* The weights of one pair of channels. channel: of the layer's outputs; input: of the group. */
static unit_sorted_kernel kernel_of(const run *r, const unit_threshold *threshold,
                                    ptrdiff_t channel, ptrdiff_t input, int32_t *acc) {
  const unit_sorted *layer = r->layer;
  unit_sorted_kernel kernel;
  kernel.weight = layer->filter + channel * layer->weight_output + input;
  kernel.quotient = r->quotient;
  kernel.acc = acc;
  unit_divide_weights(threshold, kernel.weight, layer->weight_tap,
                      layer->y.kernel * layer->x.kernel, r->quotient);
  return kernel;
}

/* All lists of a group, then one output channel after another. image: the group's inputs. */
static void run_by_output(const run *r, ptrdiff_t n, ptrdiff_t group, const int8_t *image) {
  const unit_sorted *layer = r->layer;
  uint8_t *memory = r->lists;
  unit_sorted_taps taps;
  for (ptrdiff_t input = 0; input < layer->depth; input++) {
    for (unit_sorted_phase phase = {0, 0}; phase.y < layer->y.phases;
         unit_sorted_next(layer, &phase)) {
      const unit_sorted_list list = unit_sorted_list_at(layer, memory);
      unit_sort_inputs(layer, image + input, &phase, &list);
      memory += layer->list_bytes;
    }
  }
  for (ptrdiff_t o = 0; o < layer->channels; o++) {
    const ptrdiff_t channel = group * layer->channels + o;
    unit_threshold threshold;
    unit_threshold_of(layer->prune, (int32_t)channel, &threshold);
    unit_sorted_clear(layer, r->acc);
    memory = r->lists;
    for (ptrdiff_t input = 0; input < layer->depth; input++) {
      const unit_sorted_kernel kernel = kernel_of(r, &threshold, channel, input, r->acc);
      for (unit_sorted_phase phase = {0, 0}; phase.y < layer->y.phases;
           unit_sorted_next(layer, &phase)) {
        const unit_sorted_list list = unit_sorted_list_at(layer, memory);
        for (int sign = 1; sign >= layer->last_sign; sign -= 2) {
          unit_sorted_begin(&taps, &list, sign);
          unit_sorted_add(&taps, layer, &phase, &kernel);
          unit_sorted_walk(&taps);
        }
        memory += layer->list_bytes;
      }
    }
    unit_sorted_store(layer, n, channel, r->acc);
  }
}

/* One list after another for all output channels of a group. */
static void run_by_input(const run *r, ptrdiff_t n, ptrdiff_t group, const int8_t *image) {
  const unit_sorted *layer = r->layer;
  const unit_sorted_list list = unit_sorted_list_at(layer, r->lists);
  const ptrdiff_t first = group * layer->channels;
  unit_sorted_taps taps;
  for (ptrdiff_t o = 0; o < layer->channels; o++)
    unit_sorted_clear(layer, r->acc + o * layer->plane);
  for (ptrdiff_t input = 0; input < layer->depth; input++) {
    for (unit_sorted_phase phase = {0, 0}; phase.y < layer->y.phases;
         unit_sorted_next(layer, &phase)) {
      unit_sort_inputs(layer, image + input, &phase, &list);
      for (int sign = 1; sign >= layer->last_sign; sign -= 2) {
        unit_sorted_begin(&taps, &list, sign);
        for (ptrdiff_t o = 0; o < layer->channels; o++) {
          unit_threshold threshold;
          unit_threshold_of(layer->prune, (int32_t)(first + o), &threshold);
          const unit_sorted_kernel kernel =
              kernel_of(r, &threshold, first + o, input, r->acc + o * layer->plane);
          unit_sorted_add(&taps, layer, &phase, &kernel);
        }
        unit_sorted_walk(&taps);
      }
    }
  }
  for (ptrdiff_t o = 0; o < layer->channels; o++) {
    unit_sorted_store(layer, n, first + o, r->acc + o * layer->plane);
  }
}

unit_status unit_sorted_run(const unit_sorted *layer, const unit_context *ctx) {
  if (layer->size < 0 || !unit_prune_is_complete(layer->prune)) return UNIT_ARG_ERROR;
  uint8_t *scratch = unit_scratch(ctx, layer->size);
  if (scratch == NULL) return UNIT_ARG_ERROR;
  const ptrdiff_t planes = layer->keeps_lists ? 1 : layer->channels;
  run r;
  r.layer = layer;
  r.acc = (int32_t *)(void *)scratch;
  r.lists = scratch + planes * layer->plane * (ptrdiff_t)sizeof(int32_t);
  const ptrdiff_t lists = layer->keeps_lists ? layer->depth * layer->y.phases * layer->x.phases : 1;
  r.quotient = r.lists + lists * layer->list_bytes;
  const int8_t *image = layer->input;
  for (ptrdiff_t n = 0; n < layer->images; n++) {
    for (ptrdiff_t group = 0; group < layer->groups; group++) {
      (layer->keeps_lists ? run_by_output : run_by_input)(&r, n, group,
                                                          image + group * layer->depth);
    }
    image += layer->y.input * layer->x.input * layer->groups * layer->depth;
  }
#ifdef UNIT_ENABLE_COUNTERS
  if (layer->counters != NULL) unit_sorted_count(layer, r.quotient);
#endif
  return UNIT_SUCCESS;
}
