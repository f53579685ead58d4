#include "unit_functions.h"
#include "unit_requantize.h"

unit_status unit_quantize_f32_s8(float scale, int32_t zero_point, const float *input, int32_t size,
                                 int8_t *output) {
  for (int32_t i = 0; i < size; i++) {
    float value = input[i] / scale;
    /* Beyond +-512 the result saturates whatever the zero point; NaN takes the lower end. */
    if (!(value > -512.0f)) value = -512.0f;
    if (value > 512.0f) value = 512.0f;
    int32_t rounded = (int32_t)value;
    const float fraction = value - (float)rounded;
    if (fraction >= 0.5f) rounded++;
    if (fraction <= -0.5f) rounded--;
    output[i] = (int8_t)unit_clamp(rounded + zero_point, INT8_MIN, INT8_MAX);
  }
  return UNIT_SUCCESS;
}
