#include "unit_depthwise_conv_walk.h"

unit_status unit_depthwise_conv_compare_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_prune_params *prune, const unit_dims *input_dims, const int8_t *input,
    const unit_dims *filter_dims, const int8_t *filter, const int32_t *bias,
    const unit_dims *output_dims, int8_t *output) {
  unit_depthwise_walk walk;
  uint8_t *scratch = unit_scratch(ctx, unit_depthwise_conv_compare_s8_get_buffer_size(filter_dims));
  if (scratch == NULL || !unit_prune_is_complete(prune)) return UNIT_ARG_ERROR;
  const unit_status status = unit_depthwise_conv_walk_init(
      &walk, ctx, params, quant, input_dims, input, filter_dims, filter, bias, output_dims, output);
  if (status != UNIT_SUCCESS) return status;
  walk.is_dense = 0;
  unit_depthwise_conv_walk_run(&walk, prune, scratch);
  return UNIT_SUCCESS;
}

int32_t unit_depthwise_conv_compare_s8_get_buffer_size(const unit_dims *filter_dims) {
  return filter_dims->h * filter_dims->w;
}
