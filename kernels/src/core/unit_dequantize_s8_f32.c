#include "unit_functions.h"

unit_status unit_dequantize_s8_f32(float scale, int32_t zero_point, const int8_t *input,
                                   int32_t size, float *output) {
  for (int32_t i = 0; i < size; i++) output[i] = scale * (float)(input[i] - zero_point);
  return UNIT_SUCCESS;
}
