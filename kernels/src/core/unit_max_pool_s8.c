#include "unit_pool_walk.h"

unit_status unit_max_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output) {
  return unit_pool_walk_run(params, input_dims, input, filter_dims, output_dims, output,
                            unit_pool_max);
}
