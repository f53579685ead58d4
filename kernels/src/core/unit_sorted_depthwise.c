#include "unit_sorted.h"

/* Taps of one output channel and phase. */
typedef struct {
  uint8_t *needs; /* [UNIT_SORTED_NEEDS] by an input's value + 128 */
  int count;
  ptrdiff_t at[UNIT_NEEDED_TAPS];
  int8_t w[UNIT_NEEDED_TAPS];
  uint16_t key[UNIT_NEEDED_TAPS]; /* 256 * quotient + index, in ascending order */
} taps;

/* to[0..count-1] = value. In bits and pieces, because newlib's small memset takes bytes one by one.
 */
static void fill(uint8_t *to, ptrdiff_t count, uint8_t value) {
  for (; ((uintptr_t)to & 3) != 0 && count > 0; count--) *(volatile uint8_t *)to++ = value;
  unit_fill((uint32_t *)(void *)to, count >> 2, UINT32_C(0x01010101) * value);
  to += count & ~(ptrdiff_t)3;
  for (count &= 3; count > 0; count--) *(volatile uint8_t *)to++ = value;
}

/* How many taps inputs of magnitudes 0..last need, written from `to` on; step: 1 or -1. */
static void fill_needs(const taps *set, uint8_t *to, int last, int step) {
  int magnitude = 0;
  for (int count = 0; magnitude <= last; count++) {
    const int quotient = count < set->count ? (int)(set->key[count] >> 8) : UINT8_MAX;
    const int end = quotient < last ? quotient + 1 : last + 1;
    const int length = end - magnitude;
    if (length > 0) fill(step > 0 ? to : to - (length - 1), length, (uint8_t)count);
    to += step * length;
    magnitude = end;
  }
}

/* Walks the taps and empties the set. image: the first input of the channel. */
static void walk(const unit_sorted *layer, const int8_t *image, const unit_sorted_phase *phase,
                 taps *set, int32_t *acc) {
  const unit_sorted_span rows = unit_sorted_span_of(&layer->y, phase->y);
  const unit_sorted_span columns = unit_sorted_span_of(&layer->x, phase->x);
  const ptrdiff_t channels = layer->groups;
  const int zero = 128 - (int)layer->input_offset; /* where needs has an input of zero */
  unit_tap_inputs inputs;
  unit_needed_tap tap[UNIT_NEEDED_TAPS]; /* those first that most inputs need */
  if (set->count > 0 && rows.count > 0 && columns.count > 0) {
    for (int i = 0; i < set->count; i++) {
      const int index = set->key[i] & 0xff;
      tap[i].at = set->at[index] * (ptrdiff_t)sizeof(int32_t);
      tap[i].w = set->w[index];
    }
    fill_needs(set, set->needs + zero, 255 - zero, 1);
    if (zero > 0) fill_needs(set, set->needs + zero, zero, -1);
    inputs.input = image + (rows.first * layer->x.input + columns.first) * channels;
    inputs.step = layer->x.stride * channels;
    inputs.row_step = layer->y.stride * layer->x.input * channels;
    inputs.columns = columns.count;
    inputs.rows = rows.count;
    inputs.acc = unit_sorted_first_tap(layer, phase, acc) + rows.at * layer->pitch + columns.at;
    inputs.pitch = layer->pitch;
    inputs.needs = set->needs + 128;
    inputs.tap = tap;
    inputs.offset = (ptrdiff_t)layer->input_offset;
    unit_walk_taps(&inputs);
  }
  set->count = 0;
}

static inline void add(taps *set, ptrdiff_t at, int8_t w, uint8_t quotient) {
  const int index = set->count++;
  const uint16_t key = (uint16_t)((unsigned)quotient << 8 | (unsigned)index);
  uint16_t *place = set->key + index;
  for (; place > set->key && place[-1] > key; place--) *place = place[-1];
  *place = key;
  set->at[index] = at;
  set->w[index] = w;
}

/* The taps of a phase. weight, quotient: of the output channel. */
static void walk_phase(const unit_sorted *layer, const int8_t *image,
                       const unit_sorted_phase *phase, const unit_sorted_kernel *kernel,
                       taps *set) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  ptrdiff_t row_at = 0;
  set->count = 0;
  for (ptrdiff_t ky = phase->y; ky < y->kernel; ky += y->period) {
    ptrdiff_t at = row_at;
    for (ptrdiff_t kx = phase->x; kx < x->kernel; kx += x->period) {
      const ptrdiff_t tap = ky * x->kernel + kx;
      if (kernel->quotient[tap] < UINT8_MAX) {
        if (set->count == UNIT_NEEDED_TAPS) walk(layer, image, phase, set, kernel->acc);
        add(set, at, kernel->weight[tap * layer->weight_tap], kernel->quotient[tap]);
      }
      at -= x->tap_step;
    }
    row_at -= y->tap_step * layer->pitch;
  }
  walk(layer, image, phase, set, kernel->acc);
}

unit_status unit_sorted_run_depthwise(const unit_sorted *layer, const unit_context *ctx) {
  if (layer->size < 0 || !unit_prune_is_complete(layer->prune)) return UNIT_ARG_ERROR;
  uint8_t *scratch = unit_scratch(ctx, layer->size);
  if (scratch == NULL) return UNIT_ARG_ERROR;
  unit_sorted_kernel kernel;
  taps set;
  kernel.acc = (int32_t *)(void *)scratch;
  set.needs = scratch + layer->plane * (ptrdiff_t)sizeof(int32_t);
  uint8_t *quotient = set.needs + UNIT_SORTED_NEEDS;
  kernel.quotient = quotient;
  const ptrdiff_t image_size = layer->y.input * layer->x.input * layer->groups;
  for (ptrdiff_t channel = 0; channel < layer->groups * layer->channels; channel++) {
    const int8_t *image = layer->input + channel / layer->channels;
    unit_threshold threshold;
    unit_threshold_of(layer->prune, (int32_t)channel, &threshold);
    kernel.weight = layer->filter + channel;
    unit_divide_weights(&threshold, kernel.weight, layer->weight_tap,
                        layer->y.kernel * layer->x.kernel, quotient);
    for (ptrdiff_t n = 0; n < layer->images; n++, image += image_size) {
      unit_sorted_clear(layer, kernel.acc);
      for (unit_sorted_phase phase = {0, 0}; phase.y < layer->y.phases;
           unit_sorted_next(layer, &phase)) {
        walk_phase(layer, image, &phase, &kernel, &set);
      }
      unit_sorted_store(layer, n, channel, kernel.acc);
    }
  }
#ifdef UNIT_ENABLE_COUNTERS
  if (layer->counters != NULL) unit_sorted_count(layer, quotient);
#endif
  return UNIT_SUCCESS;
}
