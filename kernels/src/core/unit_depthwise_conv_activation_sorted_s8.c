#include "unit_sorted.h"

unit_status unit_depthwise_conv_activation_sorted_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_prune_params *prune, const unit_dims *input_dims, const int8_t *input,
    const unit_dims *filter_dims, const int8_t *filter, const int32_t *bias,
    const unit_dims *output_dims, int8_t *output) {
  unit_sorted layer;
  unit_sorted_init_depthwise(&layer, params, input_dims, filter_dims, output_dims);
  unit_sorted_init_data(&layer, ctx, quant, prune, input, filter, bias, output);
  return unit_sorted_run_depthwise(&layer, ctx);
}

int32_t unit_depthwise_conv_activation_sorted_s8_get_buffer_size(const unit_dw_conv_params *params,
                                                                 const unit_dims *input_dims,
                                                                 const unit_dims *filter_dims,
                                                                 const unit_dims *output_dims) {
  unit_sorted layer;
  unit_sorted_init_depthwise(&layer, params, input_dims, filter_dims, output_dims);
  return layer.size;
}
