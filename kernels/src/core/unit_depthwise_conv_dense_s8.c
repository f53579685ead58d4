#include "unit_depthwise_conv_walk.h"

int32_t unit_depthwise_conv_dense_sum(const unit_depthwise_walk *walk, const unit_taps *taps) {
  int32_t sum = 0;
  for (ptrdiff_t row = 0; row < taps->rows; row++) {
    for (ptrdiff_t column = 0; column < taps->columns; column++) {
      const ptrdiff_t tap = taps->first + row * taps->tap_row + column;
      const int8_t input = taps->input[row * taps->input_row + column * taps->input_column];
      const int8_t weight = walk->weight[tap * walk->filter_tap];
      const int16_t x = (int16_t)(input + walk->input_offset);
      unit_count(walk->counters, walk->channel, x, weight, 0);
      sum += unit_product(x, weight);
    }
  }
  return sum;
}

unit_status unit_depthwise_conv_dense_s8(const unit_context *ctx, const unit_dw_conv_params *params,
                                         const unit_quant_params *quant,
                                         const unit_dims *input_dims, const int8_t *input,
                                         const unit_dims *filter_dims, const int8_t *filter,
                                         const int32_t *bias, const unit_dims *output_dims,
                                         int8_t *output) {
  unit_depthwise_walk walk;
  const unit_status status = unit_depthwise_conv_walk_init(
      &walk, ctx, params, quant, input_dims, input, filter_dims, filter, bias, output_dims, output);
  if (status == UNIT_SUCCESS) unit_depthwise_conv_walk_run(&walk, unit_depthwise_conv_dense_sum);
  return status;
}
