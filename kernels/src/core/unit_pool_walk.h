/* Internal: what the pooling operators share. */
#ifndef UNIT_POOL_WALK_H_
#define UNIT_POOL_WALK_H_

#include "unit_functions.h"

/* A window: rows x columns positions inside the image, at least one. Steps count elements. */
typedef struct {
  const int8_t *input;
  ptrdiff_t rows;
  ptrdiff_t columns;
  ptrdiff_t row_step;
  ptrdiff_t column_step;
} unit_pool_window;

/* Writes one output per channel. It may stand where the window's first position is. */
typedef void (*unit_pool_reduce)(const unit_pool_window *window, ptrdiff_t channels,
                                 int8_t *output);

/* Reduces every window and clamps. UNIT_ARG_ERROR when a window lies in the padding altogether. */
unit_status unit_pool_walk_run(const unit_pool_params *params, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const unit_dims *output_dims, int8_t *output,
                               unit_pool_reduce reduce);

#endif /* UNIT_POOL_WALK_H_ */
