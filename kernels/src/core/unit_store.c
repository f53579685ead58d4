#include "unit_output.h"

void unit_store_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to) {
  const int32_t *bias = output->bias;
  const int32_t *compensation = output->compensation;
  const int32_t *multiplier = output->multiplier;
  const int32_t *shift = output->shift;
  for (; count > 0; count--) {
    int32_t sum = *acc++;
    if (bias != NULL) sum = unit_wrapping_add(sum, *bias++);
    if (compensation != NULL) sum = unit_wrapping_add(sum, *compensation++);
    const int8_t value =
        unit_scale_to_s8(sum, *multiplier, *shift, output->offset, output->min, output->max);
    *to++ = value < output->fatrelu_min ? (int8_t)output->offset : value;
    if (output->is_per_channel) {
      multiplier++;
      shift++;
    }
  }
}
