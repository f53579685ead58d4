#include <string.h>

#include "unit_pool_walk.h"

/* to[i] = the larger of to[i] and input[i] */
static void take_larger(const int8_t *input, ptrdiff_t count, int8_t *to) {
  for (const int8_t *end = input + count; input < end; input++, to++) {
    if (*input > *to) *to = *input;
  }
}

void unit_pool_max_c(const unit_pool_windows *windows) {
  const ptrdiff_t channels = windows->channels;
  const int8_t *first = windows->input;
  int8_t *output = windows->output;
  for (ptrdiff_t left = windows->windows; left > 0; left--, first += windows->window_step) {
    const int8_t *row = first;
    memmove(output, first, (size_t)channels);
    for (ptrdiff_t y = 0; y < windows->rows; y++, row += windows->row_step) {
      const int8_t *input = row;
      for (ptrdiff_t x = 0; x < windows->columns; x++, input += channels) {
        if (input != first) take_larger(input, channels, output);
      }
    }
    output += channels;
  }
}
