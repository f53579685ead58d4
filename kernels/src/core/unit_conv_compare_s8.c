#include "unit_conv_walk.h"

unit_status unit_conv_compare_s8(const unit_context *ctx, const unit_conv_params *params,
                                 const unit_quant_params *quant, const unit_prune_params *prune,
                                 const unit_dims *input_dims, const int8_t *input,
                                 const unit_dims *filter_dims, const int8_t *filter,
                                 const int32_t *bias, const unit_dims *output_dims,
                                 int8_t *output) {
  unit_conv_walk walk;
  unit_patch patch;
  uint8_t *scratch = unit_scratch(ctx, unit_conv_compare_s8_get_buffer_size(filter_dims));
  if (scratch == NULL || !unit_prune_is_complete(prune)) return UNIT_ARG_ERROR;
  const unit_status status = unit_conv_walk_init(&walk, params, quant, input_dims, input,
                                                 filter_dims, filter, bias, output_dims, output);
  if (status != UNIT_SUCCESS) return status;
  unit_patch_init_compare(&patch, ctx, params->input_offset, walk.patch_size, prune);
  unit_conv_walk_run(&walk, &patch, prune, scratch);
  return UNIT_SUCCESS;
}

int32_t unit_conv_compare_s8_get_buffer_size(const unit_dims *filter_dims) {
  const int32_t channels =
      filter_dims->n < UNIT_QUOTIENT_CHANNELS ? filter_dims->n : UNIT_QUOTIENT_CHANNELS;
  return channels * filter_dims->h * filter_dims->w * filter_dims->c;
}
