#include "unit_sorted.h"

/* Whether unit_walk_sorted_4 pays: it takes 14 registers. */
#ifndef UNIT_SORTED_FOURS
#if defined(__MSP430__) || (defined(__thumb__) && !defined(__thumb2__))
#define UNIT_SORTED_FOURS 0
#else
#define UNIT_SORTED_FOURS 1
#endif
#endif

#define UNIT_SORTED_TAPS 32 /* weights that are put in order together */
#ifndef UNIT_SORTED_FEW
#define UNIT_SORTED_FEW 32 /* inputs for which that does not pay */
#endif

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

#if UNIT_SORTED_FOURS
/* Weights that walk together. */
typedef struct {
  const uint16_t *at;
  const uint8_t *x;
  unit_sorted_tap *end;
  unit_sorted_tap tap[UNIT_SORTED_TAPS]; /* those that need most inputs first */
} taps;

static void walk_one(const taps *set, const unit_sorted_tap *tap, int16_t first) {
  if (tap->count <= first) return;
  unit_walk_sorted(set->at + first, set->x + first, (int16_t)(tap->count - first), tap->w,
                   tap->acc);
}

/* Empties the set. */
static void walk(taps *set) {
  const unit_sorted_tap *tap = set->tap;
  for (; set->end - tap >= 4; tap += 4) {
    const int16_t common = tap[3].count;
    unit_walk_sorted_4(set->at, set->x, common, tap);
    walk_one(set, tap, common);
    walk_one(set, tap + 1, common);
    walk_one(set, tap + 2, common);
  }
  for (; tap < set->end; tap++) walk_one(set, tap, 0);
  set->end = set->tap;
}

static inline void add_tap(taps *set, int32_t *acc, int16_t w, int16_t count) {
  unit_sorted_tap *tap = set->end;
  if (count < UNIT_SORTED_FEW) {
    unit_walk_sorted(set->at, set->x, count, w, acc);
    return;
  }
  if (tap == set->tap + UNIT_SORTED_TAPS) {
    walk(set);
    tap = set->tap;
  }
  set->end = tap + 1;
  for (; tap > set->tap && tap[-1].count < count; tap--) *tap = tap[-1];
  tap->acc = acc;
  tap->w = w;
  tap->count = count;
}
#else
typedef struct {
  const uint16_t *at;
  const uint8_t *x;
} taps;

static inline void add_tap(taps *set, int32_t *acc, int16_t w, int16_t count) {
  unit_walk_sorted(set->at, set->x, count, w, acc);
}
#endif

/* The taps that meet the inputs of a phase: positive ones with sign 1, negative ones with -1. */
static void walk_taps(const unit_sorted *layer, const unit_sorted_list *list, const kernel *weights,
                      ptrdiff_t phase_y, ptrdiff_t phase_x, int16_t sign) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  /* Where the first position of the plane falls for the first tap. */
  const ptrdiff_t row = y->before + y->first - phase_y * y->dilation / y->stride;
  const ptrdiff_t column = x->before + x->first - phase_x * x->dilation / x->stride;
  int32_t *row_acc = weights->acc + row * layer->pitch + column;
  const ptrdiff_t tap_step = x->tap_step, period = x->period;
  const ptrdiff_t weight_step = period * layer->weight_tap;
  const uint16_t *end = list->end + sign;
  const int first = sign > 0 ? 0 : list->end[1];
  taps set;
  set.at = list->at + first;
  set.x = list->x + first;
#if UNIT_SORTED_FOURS
  set.end = set.tap;
#endif
  for (ptrdiff_t ky = phase_y; ky < y->kernel; ky += y->period) {
    const ptrdiff_t tap = ky * x->kernel + phase_x;
    const int8_t *weight = weights->weight + tap * layer->weight_tap;
    const uint8_t *quotient = weights->quotient + tap;
    int32_t *acc = row_acc;
    for (ptrdiff_t left = x->kernel - phase_x; left > 0; left -= period) {
      const int count = end[sign * *quotient] - first;
      if (count > 0) add_tap(&set, acc, (int16_t)(sign * *weight), (int16_t)count);
      acc -= tap_step;
      weight += weight_step;
      quotient += period;
    }
    row_acc -= y->tap_step * layer->pitch;
  }
#if UNIT_SORTED_FOURS
  walk(&set);
#endif
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
