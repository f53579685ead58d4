#include "unit_sorted.h"

/* Whether unit_walk_sorted_4 pays: it takes 14 registers. */
#ifndef UNIT_SORTED_FOURS
#if defined(__MSP430__) || (defined(__thumb__) && !defined(__thumb2__))
#define UNIT_SORTED_FOURS 0
#else
#define UNIT_SORTED_FOURS 1
#endif
#endif

/* Weights that are put in order together. */
#define UNIT_SORTED_TAPS (UNIT_SORTED_FOURS ? 32 : 4)

/* Where a run keeps things. */
typedef struct {
  const unit_sorted *layer;
  uint8_t *lists;
  int32_t *acc;
  uint8_t *quotient;
} run;

/* The weights of one pair of input and output channel. */
typedef struct {
  const int8_t *weight;
  const uint8_t *quotient;
  int32_t *acc;
} kernel;

/* Weights that walk together. */
typedef struct {
  int16_t count;
  unit_sorted_tap tap[UNIT_SORTED_TAPS]; /* those that need most inputs first */
} taps;

static void add_tap(taps *set, int32_t *acc, int16_t w, int16_t count) {
  unit_sorted_tap *tap = set->tap + set->count++;
#if UNIT_SORTED_FOURS
  for (; tap > set->tap && tap[-1].count < count; tap--) *tap = tap[-1];
#endif
  tap->acc = acc;
  tap->w = w;
  tap->count = count;
}

static inline void walk_one(const uint16_t *at, const uint8_t *x, const unit_sorted_tap *tap) {
  unit_walk_sorted(at, x, tap->count, tap->w, tap->acc);
}

/* Walks the entries from `first` on and empties the set. */
static void walk(const unit_sorted_list *list, ptrdiff_t first, taps *set) {
  const uint16_t *at = list->at + first;
  const uint8_t *x = list->x + first;
  unit_sorted_tap *tap = set->tap;
  const unit_sorted_tap *end = tap + set->count;
#if UNIT_SORTED_FOURS
  for (; end - tap >= 4; tap += 4) {
    const int16_t common = tap[3].count;
    unit_walk_sorted_4(at, x, common, tap);
    for (int i = 0; i < 3 && tap[i].count > common; i++) {
      tap[i].count = (int16_t)(tap[i].count - common);
      walk_one(at + common, x + common, tap + i);
    }
  }
#endif
  for (; tap < end; tap++) walk_one(at, x, tap);
  set->count = 0;
}

/* The taps that meet the inputs of a phase: positive ones with sign 1, negative
 * ones with -1. */
static void walk_taps(const unit_sorted *layer, const unit_sorted_list *list, const kernel *weights,
                      ptrdiff_t phase_y, ptrdiff_t phase_x, int16_t sign) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  /* Where the first position of the plane falls for the first tap. */
  const ptrdiff_t row = y->before + y->first - phase_y * y->dilation / y->stride;
  const ptrdiff_t column = x->before + x->first - phase_x * x->dilation / x->stride;
  int32_t *row_acc = weights->acc + row * layer->pitch + column;
  const uint16_t *end = list->end + sign;
  const uint16_t first = sign > 0 ? 0 : list->end[1];
  taps set;
  set.count = 0;
  for (ptrdiff_t ky = phase_y; ky < y->kernel; ky += y->period) {
    int32_t *acc = row_acc;
    for (ptrdiff_t kx = phase_x; kx < x->kernel; kx += x->period) {
      const ptrdiff_t tap = ky * x->kernel + kx;
      const int16_t count = (int16_t)(end[sign * (int16_t)weights->quotient[tap]] - first);
      if (count > 0) {
        if (set.count == UNIT_SORTED_TAPS) walk(list, first, &set);
        add_tap(&set, acc, (int16_t)(sign * weights->weight[tap * layer->weight_tap]), count);
      }
      acc -= x->tap_step;
    }
    row_acc -= y->tap_step * layer->pitch;
  }
  walk(list, first, &set);
}

static int32_t *outputs_of(const unit_sorted *layer, int32_t *acc) {
  return acc + layer->x.before + layer->y.before * layer->pitch;
}

/* Slack needs no values. */
static void clear(const unit_sorted *layer, int32_t *acc) {
  unit_fill((uint32_t *)outputs_of(layer, acc), layer->y.output * layer->pitch, 0);
}

static void store(const unit_sorted *layer, ptrdiff_t image, ptrdiff_t channel, int32_t *acc) {
  const ptrdiff_t channels = layer->groups * layer->channels;
  const unit_outputs output =
      unit_outputs_of(layer->quant, layer->activation, layer->output_offset, layer->bias,
                      layer->prune->compensation, (int32_t)channel);
  const int32_t *row = outputs_of(layer, acc);
  const ptrdiff_t width = layer->x.output;
  int8_t *to = layer->output + image * layer->y.output * width * channels + channel;
  for (ptrdiff_t y = layer->y.output; y > 0; y--, row += layer->pitch, to += width * channels) {
    unit_store_plane(&output, row, (int16_t)width, to, channels);
  }
}

/* channel: of the layer's outputs; input: of the group. */
static kernel kernel_of(const run *r, const unit_threshold *threshold, ptrdiff_t channel,
                        ptrdiff_t input, int32_t *acc) {
  const unit_sorted *layer = r->layer;
  kernel weights;
  weights.weight = layer->filter + channel * layer->weight_output + input;
  weights.quotient = r->quotient;
  weights.acc = acc;
  unit_divide_weights(threshold, weights.weight, layer->weight_tap,
                      layer->y.kernel * layer->x.kernel, r->quotient);
  return weights;
}

/* All lists of a group, then one output channel after another. image: the
 * group's inputs. */
static void run_by_output(const run *r, ptrdiff_t n, ptrdiff_t group, const int8_t *image) {
  const unit_sorted *layer = r->layer;
  const ptrdiff_t phases_y = layer->y.phases, phases_x = layer->x.phases;
  uint8_t *memory = r->lists;
  for (ptrdiff_t input = 0; input < layer->depth; input++) {
    for (ptrdiff_t y = 0; y < phases_y; y++) {
      for (ptrdiff_t x = 0; x < phases_x; x++, memory += layer->list_bytes) {
        const unit_sorted_list list = unit_sorted_list_at(layer, memory);
        unit_sort_inputs(layer, image + input, y, x, &list);
      }
    }
  }
  for (ptrdiff_t o = 0; o < layer->channels; o++) {
    const ptrdiff_t channel = group * layer->channels + o;
    unit_threshold threshold;
    unit_threshold_of(layer->prune, (int32_t)channel, &threshold);
    clear(layer, r->acc);
    memory = r->lists;
    for (ptrdiff_t input = 0; input < layer->depth; input++) {
      const kernel weights = kernel_of(r, &threshold, channel, input, r->acc);
      for (ptrdiff_t y = 0; y < phases_y; y++) {
        for (ptrdiff_t x = 0; x < phases_x; x++, memory += layer->list_bytes) {
          const unit_sorted_list list = unit_sorted_list_at(layer, memory);
          walk_taps(layer, &list, &weights, y, x, 1);
          if (layer->is_signed) walk_taps(layer, &list, &weights, y, x, -1);
        }
      }
    }
    store(layer, n, channel, r->acc);
  }
}

/* One list after another for all output channels of a group. */
static void run_by_input(const run *r, ptrdiff_t n, ptrdiff_t group, const int8_t *image) {
  const unit_sorted *layer = r->layer;
  const unit_sorted_list list = unit_sorted_list_at(layer, r->lists);
  const ptrdiff_t first = group * layer->channels;
  for (ptrdiff_t o = 0; o < layer->channels; o++) clear(layer, r->acc + o * layer->plane);
  for (ptrdiff_t input = 0; input < layer->depth; input++) {
    for (ptrdiff_t y = 0; y < layer->y.phases; y++) {
      for (ptrdiff_t x = 0; x < layer->x.phases; x++) {
        unit_sort_inputs(layer, image + input, y, x, &list);
        for (ptrdiff_t o = 0; o < layer->channels; o++) {
          unit_threshold threshold;
          unit_threshold_of(layer->prune, (int32_t)(first + o), &threshold);
          const kernel weights =
              kernel_of(r, &threshold, first + o, input, r->acc + o * layer->plane);
          walk_taps(layer, &list, &weights, y, x, 1);
          if (layer->is_signed) walk_taps(layer, &list, &weights, y, x, -1);
        }
      }
    }
  }
  for (ptrdiff_t o = 0; o < layer->channels; o++) {
    store(layer, n, first + o, r->acc + o * layer->plane);
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
