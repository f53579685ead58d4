#include "unit_sorted.h"

/* The inputs of one phase along one axis. */
typedef struct {
  ptrdiff_t first; /* image coordinate */
  ptrdiff_t count;
  ptrdiff_t at; /* accumulators from the plane's first position */
} phase_inputs;

static phase_inputs inputs_of(const unit_sorted_axis *axis, ptrdiff_t phase) {
  phase_inputs inputs;
  const ptrdiff_t residue = phase * axis->dilation % axis->stride;
  const ptrdiff_t padded = axis->padding % axis->stride;
  inputs.first = residue - padded;
  inputs.at = 0;
  if (inputs.first < 0) {
    inputs.first += axis->stride;
    inputs.at = 1;
  }
  inputs.count = inputs.first < axis->input
                     ? (axis->input - inputs.first + axis->stride - 1) / axis->stride
                     : 0;
  return inputs;
}

/* Counts a row of inputs. end: by x - offset; step: elements from one input to the next. */
UNIT_NOINLINE static void count_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count,
                                    uint16_t *end) {
  for (; count >= 4; count -= 4) {
    end[from[0]]++;
    end[from[step]]++;
    end[from[2 * step]]++;
    end[from[3 * step]]++;
    from += 4 * step;
  }
  for (; count > 0; count--, from += step) end[*from]++;
}

/* biased: x + bound; end: by biased. */
static inline void place(uint16_t *end, uint16_t *at, uint8_t *x, unsigned bound, int biased,
                         unsigned position) {
  if ((unsigned)biased <= 2 * bound) return;
  const unsigned entry = end[biased];
  at[entry] = (uint16_t)position;
  x[entry] = (uint8_t)(biased - (int)bound);
  end[biased] = (uint16_t)(entry + 1);
}

/* Puts the inputs of a row beyond +-bound where the table says, signs left out. position: of the
 * first one. */
UNIT_NOINLINE static void place_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count, int offset,
                                    unsigned bound, unsigned position,
                                    const unit_sorted_list *list) {
  uint16_t *end = list->end - bound, *at = list->at;
  uint8_t *x = list->x;
  offset += (int)bound;
  for (; count >= 2; count -= 2, position += 8) {
    place(end, at, x, bound, *from + offset, position);
    from += step;
    place(end, at, x, bound, *from + offset, position + 4);
    from += step;
  }
  if (count > 0) place(end, at, x, bound, *from + offset, position);
}

/* From counts to the index of the first entry of each x beyond +-bound. Returns the number of
 * positive ones. */
static unsigned add_up(uint16_t *end, unsigned bound, int is_signed) {
  unsigned total = 0;
  for (uint16_t *x = end + 255; x > end + bound; x--) {
    const unsigned count = *x;
    *x = (uint16_t)total;
    total += count;
  }
  const unsigned positive = total;
  if (!is_signed) return positive;
  for (uint16_t *x = end - 256; x < end - bound; x++) {
    const unsigned count = *x;
    *x = (uint16_t)total;
    total += count;
  }
  return positive;
}

void unit_sort_inputs(const unit_sorted *layer, const int8_t *image, const unit_sorted_phase *phase,
                      uint8_t bound, const unit_sorted_list *list) {
  const int offset = (int)layer->input_offset, is_signed = layer->last_sign < 0;
  const phase_inputs rows = inputs_of(&layer->y, phase->y);
  const phase_inputs columns = inputs_of(&layer->x, phase->x);
  const ptrdiff_t channels = layer->groups * layer->depth;
  const ptrdiff_t step = layer->x.stride * channels;
  const ptrdiff_t row_step = layer->y.stride * layer->x.input * channels;
  const int8_t *first = image + (rows.first * layer->x.input + columns.first) * channels;
  uint16_t *table = is_signed ? list->end - 256 : list->end;
  unit_fill((uint32_t *)(void *)table, is_signed ? 257 : 129, 0);
  const int8_t *from = first;
  if (row_step == columns.count * step) {
    count_row(from, step, rows.count * columns.count, list->end + offset);
  } else {
    for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
      count_row(from, step, columns.count, list->end + offset);
    }
  }
  const unsigned positive = add_up(list->end, bound, is_signed);
  unsigned position = 4 * (unsigned)(rows.at * layer->pitch + columns.at);
  from = first;
  for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
    place_row(from, step, columns.count, offset, bound, position, list);
    position += 4 * (unsigned)layer->pitch;
  }
  list->end[1] = (uint16_t)positive;
  if (!is_signed) return;
  const uint8_t *end = list->x + list->end[-1 - (int)bound];
  for (uint8_t *x = list->x + positive; x < end; x++) *x = (uint8_t)-*x;
}
