/* Internal: what the pooling operators share. */
#ifndef UNIT_POOL_WALK_H_
#define UNIT_POOL_WALK_H_

#include "unit_functions.h"
#include "unit_loops.h"

/* Windows of one output row, each rows x columns positions inside the image, at least one. Steps
 * count elements. */
typedef struct {
  const int8_t *input;   /* the first window's */
  int8_t *output;        /* one per window and channel */
  ptrdiff_t windows;     /* >= 1 */
  ptrdiff_t window_step; /* from one window to the next */
  ptrdiff_t rows;        /* >= 1 */
  ptrdiff_t row_step;    /* from one row to the next */
  ptrdiff_t columns;     /* >= 1 */
  ptrdiff_t channels;    /* >= 1 */
} unit_pool_windows;

/* The outputs may stand where the windows' first positions are. */
typedef void (*unit_pool_reduce)(const unit_pool_windows *windows);

/* The largest element per window and channel. */
void unit_pool_max_c(const unit_pool_windows *windows);
#ifdef UNIT_MSP430_LOOPS
void unit_pool_max_msp430(const unit_pool_windows *windows);
#endif
#define unit_pool_max UNIT_LOOP(unit_pool_max)

/* Reduces every window and clamps. UNIT_ARG_ERROR when a window lies in the padding altogether. */
unit_status unit_pool_walk_run(const unit_pool_params *params, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const unit_dims *output_dims, int8_t *output,
                               unit_pool_reduce reduce);

#endif /* UNIT_POOL_WALK_H_ */
