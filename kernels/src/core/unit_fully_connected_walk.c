#include "unit_fully_connected_walk.h"

void unit_fully_connected_store(const unit_fc_walk *walk, const int32_t *acc, int32_t first,
                                int16_t count, int8_t *output) {
  const unit_fc_params *params = walk->params;
  const unit_outputs channels =
      unit_outputs_of(walk->quant, &params->activation, params->output_offset, walk->bias,
                      walk->compensation, first);
  unit_store(&channels, acc, count, output + first);
}

void unit_fully_connected_walk_run(const unit_fc_walk *walk, unit_patch *patch,
                                   const unit_dims *input_dims, const int8_t *input,
                                   const unit_dims *filter_dims, const int8_t *filter,
                                   int8_t *output) {
  const ptrdiff_t inputs = (ptrdiff_t)filter_dims->n;
  const ptrdiff_t outputs = (ptrdiff_t)filter_dims->c;
  for (int32_t row = 0; row < input_dims->n; row++) {
    const int8_t *weight = filter;
    for (ptrdiff_t o = 0; o < outputs; o += UNIT_PATCH_CHANNELS) {
      const ptrdiff_t left = outputs - o;
      const int16_t some = left < UNIT_PATCH_CHANNELS ? (int16_t)left : UNIT_PATCH_CHANNELS;
      unit_patch_begin(patch, patch->acc, o, some, weight, NULL);
      patch->add(patch, input, inputs);
      unit_patch_end(patch);
      unit_fully_connected_store(walk, patch->acc, (int32_t)o, some, output);
      weight += some * inputs;
    }
    input += inputs;
    output += outputs;
  }
}
