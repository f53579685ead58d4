#include "unit_fully_connected_walk.h"

void unit_fully_connected_store(const unit_fc_walk *walk, const int32_t *acc, int32_t first,
                                int32_t count, int8_t *output) {
  const unit_fc_params *params = walk->params;
  for (int32_t o = first; o < first + count; o++) {
    const unit_output channel = unit_output_of_channel(
        walk->quant, &params->activation, params->output_offset, walk->bias, walk->compensation, o);
    output[o] = unit_output_value(&channel, *acc++);
  }
}

void unit_fully_connected_walk_run(const unit_fc_walk *walk, unit_patch *patch,
                                   const unit_dims *input_dims, const int8_t *input,
                                   const unit_dims *filter_dims, const int8_t *filter,
                                   int8_t *output) {
  const ptrdiff_t inputs = (ptrdiff_t)filter_dims->n;
  for (int32_t row = 0; row < input_dims->n; row++) {
    const int8_t *weight = filter;
    for (int32_t o = 0; o < filter_dims->c; o += UNIT_PATCH_CHANNELS) {
      const int32_t left = filter_dims->c - o;
      const int16_t some = left < UNIT_PATCH_CHANNELS ? (int16_t)left : UNIT_PATCH_CHANNELS;
      unit_patch_begin(patch, o, some, weight, NULL);
      patch->add(patch, input, inputs);
      unit_patch_end(patch);
      unit_fully_connected_store(walk, patch->acc, o, some, output);
      weight += some * inputs;
    }
    input += inputs;
    output += filter_dims->c;
  }
}
