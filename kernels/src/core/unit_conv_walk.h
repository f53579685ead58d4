/* Internal: what the schedules of CONV_2D share. Output channels are taken in blocks: the patch of
 * an output position is gathered once for a block, and the quotients of a block's weights serve all
 * positions. Blocks do not cross the groups of a grouped convolution. With pooling, positions are
 * visited window by window. */
#ifndef UNIT_CONV_WALK_H_
#define UNIT_CONV_WALK_H_

#include "unit_patch.h"
#include "unit_span.h"

#define UNIT_QUOTIENT_CHANNELS 8 /* output channels whose quotients the scratch buffer holds */

/* Along one axis: of the image, the kernel and the output. */
typedef struct {
  ptrdiff_t input;
  ptrdiff_t kernel;
  ptrdiff_t output;
  ptrdiff_t pool; /* positions of the convolution per output */
  ptrdiff_t stride;
  ptrdiff_t padding;
  ptrdiff_t dilation;
  ptrdiff_t step; /* elements from one image position to the next */
} unit_conv_axis;

/* A layer. ptrdiff_t is as wide as a pointer: 16 bits on MSP430, where 32 take their time. */
typedef struct {
  const unit_conv_params *params;
  const unit_quant_params *quant;
  const int8_t *input;
  const int8_t *filter;
  const int32_t *bias;
  int8_t *output;
  ptrdiff_t images;
  unit_conv_axis y;
  unit_conv_axis x;
  ptrdiff_t depth;              /* input channels of one group */
  ptrdiff_t channels;           /* output channels */
  ptrdiff_t channels_per_group; /* output channels of one group */
  ptrdiff_t filter_row;         /* weights of one row of taps */
  ptrdiff_t patch_size;         /* weights of one output channel */
  ptrdiff_t window;             /* positions per output */
  int x_is_contiguous;          /* whether the taps of a row are neighbours in the image */
} unit_conv_walk;

/* Fills a walk; UNIT_ARG_ERROR when the channels of input, filter and output do not match. */
unit_status unit_conv_walk_init(unit_conv_walk *walk, const unit_conv_params *params,
                                const unit_quant_params *quant, const unit_dims *input_dims,
                                const int8_t *input, const unit_dims *filter_dims,
                                const int8_t *filter, const int32_t *bias,
                                const unit_dims *output_dims, int8_t *output);

/* Runs the layer. quotient: UNIT_QUOTIENT_CHANNELS patches of scratch for the compare schedule;
 * prune and quotient are NULL for the others. */
void unit_conv_walk_run(const unit_conv_walk *walk, unit_patch *patch,
                        const unit_prune_params *prune, uint8_t *quotient);

#endif /* UNIT_CONV_WALK_H_ */
