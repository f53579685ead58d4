#include "unit_sorted.h"

static inline int signed_by(int sign, int value) {
#ifdef __MSP430__ /* takes its time to multiply */
  return sign < 0 ? -value : value;
#else
  return sign * value;
#endif
}

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
/* Four neighbours of a kernel row; whether they walked. That takes 2.3 instructions per product
 * for what all of them need and 5 for the rest, unit_sorted_walk less than 4 for all. */
static inline int walk_row(const unit_sorted_taps *taps, int32_t *acc, const int8_t *weight,
                           ptrdiff_t weight_step, const int16_t *counts) {
  const int16_t a = counts[0] < counts[1] ? counts[0] : counts[1];
  const int16_t b = counts[2] < counts[3] ? counts[2] : counts[3];
  const int16_t common = a < b ? a : b;
  if (common < UNIT_SORTED_FEW) return 0;
  if (7 * (int32_t)common < (int32_t)counts[0] + counts[1] + counts[2] + counts[3]) return 0;
  unit_sorted_tap row[4];
  for (int i = 0; i < 4; i++, weight += weight_step) {
    row[i].acc = acc - i;
    row[i].w = (int16_t)(taps->sign * *weight);
    row[i].count = counts[i];
  }
  unit_walk_sorted_row(taps->at, taps->x, common, row);
  for (int i = 0; i < 4; i++) walk_one(taps, row + i, common);
  return 1;
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
#if UNIT_SORTED_FOURS
  /* Looking at rows pays where lists are long. */
  const int neighbours = period == 1 && tap_step == 1 && (int)*table - first >= 2 * UNIT_SORTED_FEW;
#endif
  const ptrdiff_t first_tap = phase->y * x->kernel + phase->x;
  const int8_t *row_weight = kernel->weight + first_tap * layer->weight_tap;
  const uint8_t *row_quotient = kernel->quotient + first_tap;
  for (ptrdiff_t ky = phase->y; ky < y->kernel; ky += y->period) {
    const int8_t *weight = row_weight;
    const uint8_t *quotient = row_quotient;
    int32_t *acc = row_acc;
    ptrdiff_t left = x->kernel - phase->x;
#if UNIT_SORTED_FOURS
    for (; left >= 4 && neighbours; left -= 4) {
      const int16_t counts[4] = {(int16_t)(table[sign * quotient[0]] - first),
                                 (int16_t)(table[sign * quotient[1]] - first),
                                 (int16_t)(table[sign * quotient[2]] - first),
                                 (int16_t)(table[sign * quotient[3]] - first)};
      const int walked = walk_row(taps, acc, weight, weight_step, counts);
      for (const int16_t *count = counts; count < counts + 4; count++) {
        if (*count > 0 && !walked) add(taps, acc, (int16_t)(sign * *weight), *count);
        acc--;
        weight += weight_step;
      }
      quotient += 4;
    }
#endif
    for (; left > 0; left -= period) {
      const int count = (int)table[signed_by(sign, *quotient)] - first;
      if (count > 0) add(taps, acc, (int16_t)signed_by(sign, *weight), (int16_t)count);
      acc -= tap_step;
      weight += weight_step;
      quotient += period;
    }
    row_weight += layer->weights_row;
    row_quotient += layer->taps_row;
    row_acc -= layer->acc_row;
  }
}
