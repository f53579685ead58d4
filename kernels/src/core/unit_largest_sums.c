#include "unit_output.h"

static inline int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

/* Windows of two rows and two columns. channels: the windows', perhaps as a constant. */
static inline void two_by_two(const unit_sum_windows *windows, ptrdiff_t channels) {
  const ptrdiff_t row_step = windows->row_step;
  const int32_t *sums = windows->sums;
  int32_t *to = windows->to;
  for (ptrdiff_t left = windows->windows; left > 0; left--, sums += channels) {
    for (const int32_t *end = sums + channels; sums < end; sums++) {
      const int32_t above = larger(sums[0], sums[channels]);
      *to++ = larger(above, larger(sums[row_step], sums[row_step + channels]));
    }
  }
}

void unit_largest_sums_c(const unit_sum_windows *windows) {
  const ptrdiff_t rows = windows->rows, columns = windows->columns;
  const ptrdiff_t channels = windows->channels;
  const ptrdiff_t to_next_row = windows->row_step - columns * channels;
  const int32_t *first = windows->sums;
  int32_t *to = windows->to;
  if (rows == 2 && columns == 2) {
    if (channels == 1) {
      two_by_two(windows, 1);
    } else {
      two_by_two(windows, channels);
    }
    return;
  }
  for (ptrdiff_t left = windows->windows; left > 0; left--, first += (columns - 1) * channels) {
    for (const int32_t *end = first + channels; first < end; first++) {
      const int32_t *sum = first;
      int32_t largest = *sum;
      for (ptrdiff_t y = 0; y < rows; y++, sum += to_next_row) {
        for (ptrdiff_t x = 0; x < columns; x++, sum += channels) largest = larger(largest, *sum);
      }
      *to++ = largest;
    }
  }
}
