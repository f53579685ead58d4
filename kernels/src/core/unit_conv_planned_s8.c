#include "unit_functions.h"
#include "unit_plan.h"

unit_status unit_conv_planned_s8(const unit_context *ctx, const unit_conv_params *params,
                                 const unit_quant_params *quant, const unit_plan *plan,
                                 const unit_dims *input_dims, const int8_t *input,
                                 const unit_dims *filter_dims, const int32_t *bias,
                                 const unit_dims *output_dims, int8_t *output) {
  unit_plan_layer layer;
  unit_plan_init_conv(&layer, params, plan, input_dims, filter_dims, output_dims);
  layer.quant = quant;
  layer.input = input;
  layer.bias = bias;
  layer.output = output;
  return unit_plan_run(&layer, ctx);
}

int32_t unit_conv_planned_s8_get_buffer_size(const unit_conv_params *params, const unit_plan *plan,
                                             const unit_dims *input_dims,
                                             const unit_dims *filter_dims,
                                             const unit_dims *output_dims) {
  unit_plan_layer layer;
  unit_plan_init_conv(&layer, params, plan, input_dims, filter_dims, output_dims);
  return layer.size;
}
