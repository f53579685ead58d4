#include "unit_sorted.h"

/* 0..255. Not negative: gdb's simulator of MSP430X extends the sign of a byte to 16 of 20 bits. */
static inline uint8_t above_minimum(int8_t input) { return (uint8_t)((uint8_t)input ^ 0x80); }

/* Counts a row of inputs. end: by input - INT8_MIN; step: elements from one input to the next. */
UNIT_NOINLINE static void count_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count,
                                    uint16_t *end) {
  for (; count >= 4; count -= 4) {
    end[above_minimum(from[0])]++;
    end[above_minimum(from[step])]++;
    end[above_minimum(from[2 * step])]++;
    end[above_minimum(from[3 * step])]++;
    from += 4 * step;
  }
  for (; count > 0; count--, from += step) end[above_minimum(*from)]++;
}

static inline void place(const unit_sorted_list *to, int x, unsigned position) {
  if (x == 0) return;
  const unsigned entry = to->end[x];
  to->at[entry] = (uint16_t)position;
  to->x[entry] = (uint8_t)x;
  to->end[x] = (uint16_t)(entry + 1);
}

/* Puts a row of inputs where the table says, signs left out. position: of the first one. */
UNIT_NOINLINE static void place_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count, int offset,
                                    unsigned position, const unit_sorted_list *list) {
  const unit_sorted_list to = *list;
  for (; count >= 2; count -= 2, position += 8) {
    place(&to, *from + offset, position);
    from += step;
    place(&to, *from + offset, position + 4);
    from += step;
  }
  if (count > 0) place(&to, *from + offset, position);
}

/* From counts to the index of the first entry of each x. Returns the number of positive ones. */
static unsigned add_up(uint16_t *end, int is_signed) {
  unsigned total = 0;
  for (uint16_t *x = end + 255; x > end; x--) {
    const unsigned count = *x;
    *x = (uint16_t)total;
    total += count;
  }
  const unsigned positive = total;
  if (!is_signed) return positive;
  for (uint16_t *x = end - 256; x < end; x++) {
    const unsigned count = *x;
    *x = (uint16_t)total;
    total += count;
  }
  return positive;
}

void unit_sort_inputs(const unit_sorted *layer, const int8_t *image, const unit_sorted_phase *phase,
                      const unit_sorted_list *list) {
  const int offset = (int)layer->input_offset, is_signed = layer->last_sign < 0;
  const unit_sorted_span rows = unit_sorted_span_of(&layer->y, phase->y);
  const unit_sorted_span columns = unit_sorted_span_of(&layer->x, phase->x);
  const ptrdiff_t channels = layer->groups * layer->depth;
  const ptrdiff_t step = layer->x.stride * channels;
  const ptrdiff_t row_step = layer->y.stride * layer->x.input * channels;
  const int8_t *first = image + (rows.first * layer->x.input + columns.first) * channels;
  uint16_t *table = is_signed ? list->end - 256 : list->end;
  unit_fill((uint32_t *)(void *)table, is_signed ? 257 : 129, 0);
  uint16_t *counts = list->end + offset + INT8_MIN;
  const int8_t *from = first;
  if (row_step == columns.count * step) {
    count_row(from, step, rows.count * columns.count, counts);
  } else {
    for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
      count_row(from, step, columns.count, counts);
    }
  }
  const unsigned positive = add_up(list->end, is_signed);
  unsigned position = 4 * (unsigned)(rows.at * layer->pitch + columns.at);
  from = first;
  for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
    place_row(from, step, columns.count, offset, position, list);
    position += 4 * (unsigned)layer->pitch;
  }
  if (!is_signed) return;
  const uint8_t *end = list->x + list->end[-1];
  for (uint8_t *x = list->x + positive; x < end; x++) *x = (uint8_t)-*x;
}
