#include "unit_sorted.h"

#if UNIT_SORTED_FOURS
static void walk_one(const unit_sorted_taps *taps, const unit_sorted_tap *tap, int16_t first) {
  if (tap->count <= first) return;
  unit_walk_sorted(taps->at + first, taps->x + first, (int16_t)(tap->count - first), tap->w,
                   tap->acc);
}

void unit_sorted_walk(unit_sorted_taps *taps) {
  const unit_sorted_tap *tap = taps->tap;
  for (; taps->end - tap >= 4; tap += 4) {
    const int16_t common = tap[3].count;
    unit_walk_sorted_4(taps->at, taps->x, common, tap);
    walk_one(taps, tap, common);
    walk_one(taps, tap + 1, common);
    walk_one(taps, tap + 2, common);
  }
  for (; tap < taps->end; tap++) walk_one(taps, tap, 0);
  taps->end = taps->tap;
}

static inline void add(unit_sorted_taps *taps, int32_t *acc, int16_t w, int16_t count) {
  unit_sorted_tap *tap = taps->end;
  if (count < UNIT_SORTED_FEW) {
    unit_walk_sorted(taps->at, taps->x, count, w, acc);
    return;
  }
  if (tap == taps->tap + UNIT_SORTED_TAPS) {
    unit_sorted_walk(taps);
    tap = taps->tap;
  }
  taps->end = tap + 1;
  for (; tap > taps->tap && tap[-1].count < count; tap--) *tap = tap[-1];
  tap->acc = acc;
  tap->w = w;
  tap->count = count;
}
#else
void unit_sorted_walk(unit_sorted_taps *taps) { (void)taps; }

static inline void add(unit_sorted_taps *taps, int32_t *acc, int16_t w, int16_t count) {
  unit_walk_sorted(taps->at, taps->x, count, w, acc);
}
#endif

void unit_sorted_begin(unit_sorted_taps *taps, const unit_sorted_list *list, int sign) {
  taps->sign = sign;
  taps->table = list->end + sign;
  taps->first = sign > 0 ? 0 : (int)list->end[1];
  taps->at = list->at + taps->first;
  taps->x = list->x + taps->first;
#if UNIT_SORTED_FOURS
  taps->end = taps->tap;
#endif
}

void unit_sorted_add(unit_sorted_taps *taps, const unit_sorted *layer,
                     const unit_sorted_phase *phase, const unit_sorted_kernel *kernel) {
  const unit_sorted_axis *y = &layer->y, *x = &layer->x;
  int32_t *row_acc = unit_sorted_first_tap(layer, phase, kernel->acc);
  const ptrdiff_t tap_step = x->tap_step, period = x->period;
  const ptrdiff_t weight_step = period * layer->weight_tap;
  const uint16_t *table = taps->table;
  const int sign = taps->sign, first = taps->first;
  for (ptrdiff_t ky = phase->y; ky < y->kernel; ky += y->period) {
    const ptrdiff_t tap = ky * x->kernel + phase->x;
    const int8_t *weight = kernel->weight + tap * layer->weight_tap;
    const uint8_t *quotient = kernel->quotient + tap;
    int32_t *acc = row_acc;
    for (ptrdiff_t left = x->kernel - phase->x; left > 0; left -= period) {
      const int count = (int)table[sign * *quotient] - first;
      if (count > 0) add(taps, acc, (int16_t)(sign * *weight), (int16_t)count);
      acc -= tap_step;
      weight += weight_step;
      quotient += period;
    }
    row_acc -= y->tap_step * layer->pitch;
  }
}
