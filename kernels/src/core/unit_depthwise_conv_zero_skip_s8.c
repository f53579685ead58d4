#include "unit_depthwise_conv_walk.h"

/* Tests the activation only, as in unit_conv_zero_skip_s8.c. */
unit_status unit_depthwise_conv_zero_skip_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_dims *input_dims, const int8_t *input, const unit_dims *filter_dims,
    const int8_t *filter, const int32_t *bias, const unit_dims *output_dims, int8_t *output) {
  unit_depthwise_walk walk;
  const unit_status status = unit_depthwise_conv_walk_init(
      &walk, ctx, params, quant, input_dims, input, filter_dims, filter, bias, output_dims, output);
  if (status != UNIT_SUCCESS) return status;
  walk.is_dense = 0;
  unit_depthwise_conv_walk_run(&walk, NULL, NULL);
  return UNIT_SUCCESS;
}
