/* Internal: from the accumulator of one output to its int8 value. */
#ifndef UNIT_OUTPUT_H_
#define UNIT_OUTPUT_H_

#include "unit_requantize.h"

/* What all outputs of one channel share. */
typedef struct {
  int32_t bias; /* with compensation */
  int32_t multiplier;
  int32_t shift;
  int32_t offset;
  const unit_activation *activation;
} unit_output;

/* bias and compensation may be NULL. */
static inline unit_output unit_output_of_channel(const unit_quant_params *quant,
                                                 const unit_activation *activation, int32_t offset,
                                                 const int32_t *bias, const int32_t *compensation,
                                                 int32_t channel) {
  const int32_t pair = quant->is_per_channel ? channel : 0;
  unit_output output;
  output.bias = bias != NULL ? bias[channel] : 0;
  if (compensation != NULL) {
    output.bias = unit_wrapping_add(output.bias, compensation[channel]);
  }
  output.multiplier = quant->multiplier[pair];
  output.shift = quant->shift[pair];
  output.offset = offset;
  output.activation = activation;
  return output;
}

static inline int8_t unit_output_value(const unit_output *output, int32_t acc) {
  const unit_activation *activation = output->activation;
  const int8_t value =
      unit_scale_to_s8(unit_wrapping_add(acc, output->bias), output->multiplier, output->shift,
                       output->offset, activation->min, activation->max);
  return value < activation->fatrelu_min ? (int8_t)output->offset : value;
}

#endif /* UNIT_OUTPUT_H_ */
