#include "unit_functions.h"
#include "unit_requantize.h"

static int32_t floor_log2(int32_t value) {
  int32_t log2 = 0;
  while (value >>= 1) log2++;
  return log2;
}

unit_status unit_mean_s8(const unit_requant_params *params, int32_t outer, int32_t reduced,
                         int32_t inner, const int8_t *input, int8_t *output) {
  if (reduced < 1) return UNIT_ARG_ERROR;
  /* 1 / reduced becomes part of the multiplier, at the largest exponent that keeps 31 bits. */
  const int32_t exponent = unit_clamp(floor_log2(reduced), 0, 31 + params->shift);
  const int32_t multiplier =
      (int32_t)(((int64_t)params->multiplier * ((int64_t)1 << exponent)) / reduced);
  for (int32_t row = 0; row < outer; row++) {
    for (int32_t i = 0; i < inner; i++) {
      int32_t sum = reduced * params->input_offset;
      for (int32_t r = 0; r < reduced; r++) sum += input[r * inner + i];
      *output++ = unit_scale_to_s8(sum, multiplier, params->shift - exponent, params->output_offset,
                                   INT8_MIN, INT8_MAX);
    }
    input += reduced * inner;
  }
  return UNIT_SUCCESS;
}
