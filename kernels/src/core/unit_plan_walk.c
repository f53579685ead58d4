#include "unit_loops.h"
#include "unit_plan_list.h"

/* The lists of one activation. */
static void walk_lists(const unit_plan_row *row, const uint8_t *count, uint32_t first,
                       uint8_t class, int16_t x, int32_t *acc) {
  const int16_t last = (int16_t)(row->classes - 1);
  const uint8_t *length = count - (ptrdiff_t)row->passed * row->classes + last;
  for (int16_t passed = row->passed; passed > 0; passed--, length += row->classes) first += *length;
  const int8_t *weight = row->weight + first;
  const uint8_t *at = row->at + first;
  const uint8_t *critical = row->critical != NULL ? row->critical + first : NULL;
  const uint16_t *to = row->row;
  for (int16_t lists = row->lists; lists > 0; lists--) {
    const uint8_t n = unit_plan_counting(count, critical, row->classes, class, x);
    unit_plan_add(weight, at, n, x, acc + *to++);
    weight += count[last];
    at += count[last];
    if (critical != NULL) critical += count[last];
    count += row->classes;
  }
}

void unit_plan_walk_c(const unit_plan_row *row) {
  const int8_t *input = row->input;
  int32_t *acc = row->acc;
  for (int16_t positions = row->positions; positions > 0; positions--) {
    const uint8_t *count = row->count;
    for (int16_t channel = 0; channel < row->channels; channel++, count += row->count_step) {
      const uint8_t class = row->class_of[(uint8_t)input[channel]];
      if (class == 0) continue;
      const int16_t x = (int16_t)(input[channel] + row->input_offset);
      walk_lists(row, count, row->first[channel], class, x, acc);
    }
    input += row->input_step;
    acc += row->acc_step;
  }
}
