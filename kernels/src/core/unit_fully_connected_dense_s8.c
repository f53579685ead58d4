#include "unit_fully_connected_walk.h"

unit_status unit_fully_connected_dense_s8(const unit_context *ctx, const unit_fc_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output) {
  const ptrdiff_t inputs = (ptrdiff_t)filter_dims->n;
  const int16_t input_offset = (int16_t)params->input_offset;
  if (output_dims->c != filter_dims->c) return UNIT_ARG_ERROR;
  for (int32_t row = 0; row < input_dims->n; row++) {
    for (int32_t o = 0; o < filter_dims->c; o++) {
      const int8_t *weight = filter + o * inputs;
      int32_t acc = 0;
      for (ptrdiff_t i = 0; i < inputs; i++) {
        const int16_t x = (int16_t)(input[i] + input_offset);
        unit_count(unit_context_counters(ctx), o, x, weight[i], 0);
        acc += unit_product(x, weight[i]);
      }
      const unit_output channel =
          unit_output_of_channel(quant, &params->activation, params->output_offset, bias, NULL, o);
      output[o] = unit_output_value(&channel, acc);
    }
    input += inputs;
    output += filter_dims->c;
  }
  return UNIT_SUCCESS;
}
