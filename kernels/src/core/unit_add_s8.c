#include "unit_functions.h"
#include "unit_requantize.h"

/* One operand on the scale that both share, with left_shift more bits. */
static int32_t rescale(int8_t value, int32_t offset, int32_t left_shift, int32_t multiplier,
                       int32_t shift) {
  const int32_t shifted = (value + offset) * ((int32_t)1 << left_shift);
  return unit_requantize(shifted, multiplier, shift);
}

unit_status unit_add_s8(const unit_add_params *params, const int8_t *input1, const int8_t *input2,
                        int32_t size, int8_t *output) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t a = rescale(input1[i], params->input1_offset, params->left_shift,
                              params->input1_multiplier, params->input1_shift);
    const int32_t b = rescale(input2[i], params->input2_offset, params->left_shift,
                              params->input2_multiplier, params->input2_shift);
    output[i] =
        unit_scale_to_s8(unit_wrapping_add(a, b), params->output_multiplier, params->output_shift,
                         params->output_offset, params->activation.min, params->activation.max);
  }
  return UNIT_SUCCESS;
}
