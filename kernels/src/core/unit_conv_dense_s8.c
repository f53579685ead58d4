#include "unit_conv_walk.h"

unit_status unit_conv_dense_s8(const unit_context *ctx, const unit_conv_params *params,
                               const unit_quant_params *quant, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const int8_t *filter, const int32_t *bias,
                               const unit_dims *output_dims, int8_t *output) {
  unit_conv_walk walk;
  unit_patch patch;
  const unit_status status = unit_conv_walk_init(&walk, params, quant, input_dims, input,
                                                 filter_dims, filter, bias, output_dims, output);
  if (status != UNIT_SUCCESS) return status;
  unit_patch_init_dense(&patch, ctx, params->input_offset, walk.patch_size);
  unit_conv_walk_run(&walk, &patch, NULL, NULL);
  return UNIT_SUCCESS;
}
