#include "unit_output.h"

int8_t unit_output_exact(const unit_outputs *output, int32_t sum, int32_t multiplier,
                         int32_t shift) {
  /* Without shifting to the right, the largest sums wrap around. */
  if (sum < output->limits.cut && shift < 0) return (int8_t)output->limits.floor;
  const int8_t value =
      unit_scale_to_s8(sum, multiplier, shift, output->offset, output->min, output->max);
  return value < output->fatrelu_min ? (int8_t)output->offset : value;
}
