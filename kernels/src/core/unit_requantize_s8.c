#include "unit_functions.h"
#include "unit_requantize.h"

unit_status unit_requantize_s8(const unit_requant_params *params, const unit_activation *activation,
                               const int8_t *input, int32_t size, int8_t *output) {
  for (int32_t i = 0; i < size; i++) {
    output[i] = unit_scale_to_s8(input[i] + params->input_offset, params->multiplier, params->shift,
                                 params->output_offset, activation->min, activation->max);
  }
  return UNIT_SUCCESS;
}
