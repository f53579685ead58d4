#include "unit_output.h"

/* kind: a constant. */
static inline void store(unit_limits_kind kind, const unit_outputs *output, const int32_t *acc,
                         int16_t count, int8_t *to) {
  const unit_limits limits = output->limits; /* a copy, which no output overwrites */
  const int32_t *bias = output->bias;
  const int32_t *compensation = output->compensation;
  const int32_t *multiplier = output->multiplier;
  const int32_t *shift = output->shift;
  const ptrdiff_t step = output->is_per_channel;
  const int32_t offset = unit_scale_offset(output->offset);
  const int8_t *end = to + count;
  do {
    int32_t sum = *acc++;
    if (bias != NULL) sum = unit_wrapping_add(sum, *bias++);
    if (compensation != NULL) sum = unit_wrapping_add(sum, *compensation++);
    if (unit_scale_covers(*shift)) {
      const unit_scale scale = unit_scale_of(*multiplier, *shift, offset);
      *to = (int8_t)unit_limited(kind, &limits, &scale, sum);
    } else {
      *to = unit_output_exact(output, sum, *multiplier, *shift);
    }
    multiplier += step;
    shift += step;
  } while (++to < end);
}

/* Channels that share a multiplier and a shift, which unit_scale covers. */
static inline void store_alike(unit_limits_kind kind, const unit_outputs *output,
                               const int32_t *acc, int16_t count, int8_t *to) {
  const unit_limits limits = output->limits;
  const int32_t *bias = output->bias;
  const int32_t *compensation = output->compensation;
  const unit_scale scale =
      unit_scale_of(*output->multiplier, *output->shift, unit_scale_offset(output->offset));
  const int8_t *end = to + count;
  do {
    int32_t sum = *acc++;
    if (bias != NULL) sum = unit_wrapping_add(sum, *bias++);
    if (compensation != NULL) sum = unit_wrapping_add(sum, *compensation++);
    *to = (int8_t)unit_limited(kind, &limits, &scale, sum);
  } while (++to < end);
}

void unit_store_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to) {
  if (!output->is_per_channel && unit_scale_covers(*output->shift)) {
    if (output->limits.kind == UNIT_LIMITS_INT8) {
      store_alike(UNIT_LIMITS_INT8, output, acc, count, to);
    } else if (output->limits.kind == UNIT_LIMITS_RELU) {
      store_alike(UNIT_LIMITS_RELU, output, acc, count, to);
    } else {
      store_alike(UNIT_LIMITS_ANY, output, acc, count, to);
    }
  } else if (output->limits.kind == UNIT_LIMITS_INT8) {
    store(UNIT_LIMITS_INT8, output, acc, count, to);
  } else if (output->limits.kind == UNIT_LIMITS_RELU) {
    store(UNIT_LIMITS_RELU, output, acc, count, to);
  } else {
    store(UNIT_LIMITS_ANY, output, acc, count, to);
  }
}
