#include "unit_loops.h"

void unit_take_larger_c(const int8_t *input, ptrdiff_t count, int8_t *to) {
  for (const int8_t *end = input + count; input < end; input++, to++) {
    if (*input > *to) *to = *input;
  }
}
