#include "unit_output.h"

#define MANY 8 /* positions for which it pays to take one channel after another */

static inline int32_t bias_of(const unit_outputs *output) {
  const int32_t bias = output->bias != NULL ? *output->bias : 0;
  return output->compensation != NULL ? unit_wrapping_add(bias, *output->compensation) : bias;
}

/* The outputs of one channel, the struct's first. kind: a constant. */
static inline void store(unit_limits_kind kind, const unit_outputs *output, const int32_t *acc,
                         int8_t *to, ptrdiff_t acc_step, ptrdiff_t step, int16_t positions) {
  const unit_limits limits = output->limits; /* a copy, which no output overwrites */
  const int32_t offset = unit_scale_offset(output->offset);
  const unit_scale scale = unit_scale_of(*output->multiplier, *output->shift, offset);
  const int32_t bias = bias_of(output);
  const int32_t *end = acc + acc_step * positions;
  do {
    const int32_t sum = unit_wrapping_add(*acc, bias);
    *to = (int8_t)unit_limited(kind, &limits, &scale, sum);
    acc += acc_step;
    to += step;
  } while (acc != end);
}

/* The same for a shift that unit_scale does not cover. */
static inline void store_exact(const unit_outputs *output, const int32_t *acc, int8_t *to,
                               ptrdiff_t acc_step, ptrdiff_t step, int16_t positions) {
  const int32_t bias = bias_of(output);
  for (; positions > 0; positions--, acc += acc_step, to += step) {
    const int32_t sum = unit_wrapping_add(*acc, bias);
    *to = unit_output_exact(output, sum, *output->multiplier, *output->shift);
  }
}

/* kind: a constant; output: a copy. */
static inline void store_rows(unit_limits_kind kind, unit_outputs output, const int32_t *acc,
                              int16_t count, int8_t *to, ptrdiff_t acc_step, ptrdiff_t step,
                              int16_t positions) {
  for (; count > 0; count--, acc++, to++) {
    if (unit_scale_covers(*output.shift)) {
      store(kind, &output, acc, to, acc_step, step, positions);
    } else {
      store_exact(&output, acc, to, acc_step, step, positions);
    }
    unit_outputs_advance(&output, 1);
  }
}

void unit_store_row_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to,
                      ptrdiff_t acc_step, ptrdiff_t step, int16_t positions) {
  if (positions < MANY) {
    for (; positions > 0; positions--, acc += acc_step, to += step) {
      unit_store(output, acc, count, to);
    }
  } else if (output->limits.kind == UNIT_LIMITS_INT8) {
    store_rows(UNIT_LIMITS_INT8, *output, acc, count, to, acc_step, step, positions);
  } else if (output->limits.kind == UNIT_LIMITS_RELU) {
    store_rows(UNIT_LIMITS_RELU, *output, acc, count, to, acc_step, step, positions);
  } else {
    store_rows(UNIT_LIMITS_ANY, *output, acc, count, to, acc_step, step, positions);
  }
}
