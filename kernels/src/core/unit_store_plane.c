#include "unit_output.h"

void unit_store_plane_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to,
                        ptrdiff_t step) {
  int32_t bias = output->bias != NULL ? *output->bias : 0;
  if (output->compensation != NULL) bias = unit_wrapping_add(bias, *output->compensation);
  for (; count > 0; count--, to += step) {
    const int8_t value = unit_scale_to_s8(unit_wrapping_add(*acc++, bias), *output->multiplier,
                                          *output->shift, output->offset, output->min, output->max);
    *to = value < output->fatrelu_min ? (int8_t)output->offset : value;
  }
}
