#include "unit_fully_connected_walk.h"

/* Only activations are tested, as in unit_conv_zero_skip_s8.c. */
unit_status unit_fully_connected_zero_skip_s8(const unit_context *ctx, const unit_fc_params *params,
                                              const unit_quant_params *quant,
                                              const unit_dims *input_dims, const int8_t *input,
                                              const unit_dims *filter_dims, const int8_t *filter,
                                              const int32_t *bias, const unit_dims *output_dims,
                                              int8_t *output) {
  const unit_fc_walk walk = {params, quant, bias, NULL};
  unit_patch patch;
  if (output_dims->c != filter_dims->c) return UNIT_ARG_ERROR;
  unit_patch_init_zero_skip(&patch, ctx, params->input_offset, (ptrdiff_t)filter_dims->n);
  unit_fully_connected_walk_run(&walk, &patch, input_dims, input, filter_dims, filter, output);
  return UNIT_SUCCESS;
}
