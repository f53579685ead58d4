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

/* count: of the row of inputs, >= 1; step: elements from one to the next; end:
 * by x - offset. */
static void count_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count, uint16_t *end) {
  for (; count > 0; count--, from += step) end[*from]++;
}

static void place_row(const int8_t *from, ptrdiff_t step, ptrdiff_t count, int16_t offset,
                      uint16_t at, const unit_sorted_list *list) {
  for (; count > 0; count--, from += step, at = (uint16_t)(at + 4)) {
    const int16_t x = (int16_t)(*from + offset);
    if (x == 0) continue;
    const uint16_t entry = list->end[x]++;
    list->at[entry] = at;
    list->x[entry] = (uint8_t)unit_magnitude(x);
  }
}

/* From counts to the index of the first entry of each x. */
static void add_up(uint16_t *end, int is_signed) {
  uint16_t total = 0;
  for (uint16_t *x = end + 255; x > end; x--) {
    const uint16_t count = *x;
    *x = total;
    total = (uint16_t)(total + count);
  }
  end[256] = 0;
  if (!is_signed) return;
  for (uint16_t *x = end - 256; x < end; x++) {
    const uint16_t count = *x;
    *x = total;
    total = (uint16_t)(total + count);
  }
}

void unit_sort_inputs(const unit_sorted *layer, const int8_t *image, ptrdiff_t phase_y,
                      ptrdiff_t phase_x, const unit_sorted_list *list) {
  const int16_t offset = (int16_t)layer->input_offset;
  const phase_inputs rows = inputs_of(&layer->y, phase_y);
  const phase_inputs columns = inputs_of(&layer->x, phase_x);
  const ptrdiff_t channels = layer->groups * layer->depth;
  const ptrdiff_t step = layer->x.stride * channels;
  const ptrdiff_t row_step = layer->y.stride * layer->x.input * channels;
  const int8_t *first = image + (rows.first * layer->x.input + columns.first) * channels;
  uint16_t *table = layer->is_signed ? list->end - 256 : list->end;
  unit_fill((uint32_t *)(void *)table, layer->is_signed ? 257 : 129, 0);
  const int8_t *from = first;
  for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
    count_row(from, step, columns.count, list->end + offset);
  }
  add_up(list->end, layer->is_signed);
  uint16_t at = (uint16_t)(4 * (rows.at * layer->pitch + columns.at));
  from = first;
  for (ptrdiff_t y = rows.count; y > 0; y--, from += row_step) {
    place_row(from, step, columns.count, offset, at, list);
    at = (uint16_t)(at + 4 * layer->pitch);
  }
}
