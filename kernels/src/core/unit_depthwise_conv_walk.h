/* Internal: what the schedules of DEPTHWISE_CONV_2D share. Output channels are the outermost loop,
 * so that the quotients of a channel serve all its outputs. Outputs are taken in blocks: what they
 * see of the image is gathered, padding included, and each tap is added to all of them. */
#ifndef UNIT_DEPTHWISE_CONV_WALK_H_
#define UNIT_DEPTHWISE_CONV_WALK_H_

#include "unit_loops.h"
#include "unit_mac.h"
#include "unit_output.h"
#include "unit_prune.h"

#define UNIT_DEPTHWISE_OUTPUTS 96 /* of a block, at most */
#define UNIT_DEPTHWISE_INPUTS 256 /* that a block sees, at most */

/* Along one axis. */
typedef struct {
  ptrdiff_t input;
  ptrdiff_t kernel;
  ptrdiff_t output;
  ptrdiff_t stride;
  ptrdiff_t padding;
  ptrdiff_t dilation;
  ptrdiff_t step; /* elements from one image position to the next */
} unit_depthwise_axis;

/* A layer, and the output channel that is being computed. ptrdiff_t is as wide as a pointer: 16
 * bits on MSP430. */
typedef struct {
  const unit_dw_conv_params *params;
  const unit_quant_params *quant;
  const int8_t *input;
  const int8_t *filter;
  const int32_t *bias;
  int8_t *output;
  ptrdiff_t images;
  ptrdiff_t channels; /* of the output; weights from one tap to the next */
  unit_depthwise_axis y;
  unit_depthwise_axis x;
  ptrdiff_t block_rows; /* of outputs */
  ptrdiff_t block_columns;
  int is_whole;            /* whether the kernel is walked as a whole */
  int is_dense;            /* whether activations are not tested */
  const uint8_t *quotient; /* [taps] of the channel's weights (compare); NULL: 0 */
  const int8_t *weight;    /* first weight of the channel */
#ifdef UNIT_ENABLE_COUNTERS
  unit_counters *counters;
  int32_t channel;
  int skips; /* whether products below a quotient count as skipped */
#endif
} unit_depthwise_walk;

/* Fills the walk of a dense layer; UNIT_ARG_ERROR when the channels of input and output do not
 * match. */
unit_status unit_depthwise_conv_walk_init(unit_depthwise_walk *walk, const unit_context *ctx,
                                          const unit_dw_conv_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output);

/* Runs a layer. prune: for the compare schedule, else NULL; quotient: scratch for the quotients of
 * its weights, kernel h * w bytes, else NULL. */
void unit_depthwise_conv_walk_run(unit_depthwise_walk *walk, const unit_prune_params *prune,
                                  uint8_t *quotient);

#endif /* UNIT_DEPTHWISE_CONV_WALK_H_ */
