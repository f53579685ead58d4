#include "unit_output.h"

/* kind: a constant. */
static inline void store(unit_limits_kind kind, const unit_outputs *output, int32_t bias,
                         const int32_t *acc, int16_t columns, int8_t *to, ptrdiff_t step,
                         int16_t rows, ptrdiff_t pitch) {
  const unit_limits limits = output->limits; /* a copy, which no output overwrites */
  const int32_t offset = unit_scale_offset(output->offset);
  const unit_scale scale = unit_scale_of(*output->multiplier, *output->shift, offset);
  for (; rows > 0; rows--, acc += pitch - columns) {
    const int32_t *end = acc + columns;
    do {
      const int32_t sum = unit_wrapping_add(*acc++, bias);
      *to = (int8_t)unit_limited(kind, &limits, &scale, sum);
      to += step;
    } while (acc < end);
  }
}

void unit_store_plane_c(const unit_outputs *output, const int32_t *acc, int16_t columns, int8_t *to,
                        ptrdiff_t step, int16_t rows, ptrdiff_t pitch) {
  int32_t bias = output->bias != NULL ? *output->bias : 0;
  if (output->compensation != NULL) bias = unit_wrapping_add(bias, *output->compensation);
  if (!unit_scale_covers(*output->shift)) {
    for (; rows > 0; rows--, acc += pitch - columns) {
      for (const int32_t *end = acc + columns; acc < end; to += step) {
        const int32_t sum = unit_wrapping_add(*acc++, bias);
        *to = unit_output_exact(output, sum, *output->multiplier, *output->shift);
      }
    }
  } else if (output->limits.kind == UNIT_LIMITS_INT8) {
    store(UNIT_LIMITS_INT8, output, bias, acc, columns, to, step, rows, pitch);
  } else if (output->limits.kind == UNIT_LIMITS_RELU) {
    store(UNIT_LIMITS_RELU, output, bias, acc, columns, to, step, rows, pitch);
  } else {
    store(UNIT_LIMITS_ANY, output, bias, acc, columns, to, step, rows, pitch);
  }
}
