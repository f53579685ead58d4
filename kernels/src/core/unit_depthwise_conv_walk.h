/* Internal: what the schedules of DEPTHWISE_CONV_2D share. Output channels are the outermost loop,
 * so that the quotients of one channel's weights serve all output positions. A schedule is the
 * function that adds up the taps of one output. */
#ifndef UNIT_DEPTHWISE_CONV_WALK_H_
#define UNIT_DEPTHWISE_CONV_WALK_H_

#include "unit_mac.h"
#include "unit_output.h"
#include "unit_prune.h"
#include "unit_span.h"

/* A layer, and the output channel that is being computed. Steps count elements; they and what the
 * inner loops count to are ptrdiff_t, which is as wide as a pointer: 16 bits on MSP430. */
typedef struct {
  const unit_dw_conv_params *params;
  const unit_quant_params *quant;
  const unit_dims *input_dims;
  const unit_dims *filter_dims;
  const unit_dims *output_dims;
  const int8_t *input;
  const int8_t *filter;
  const int32_t *bias;
  int8_t *output;
  ptrdiff_t filter_tap; /* weights from one tap to the next */
  int16_t input_offset;
  unit_counters *counters;
  int32_t channel;
  const int8_t *weight;    /* first weight of the channel */
  const uint8_t *quotient; /* [h * w] quotients of its weights (compare) */
} unit_depthwise_walk;

/* The taps of one output that lie inside the image. */
typedef struct {
  const int8_t *input;    /* first tap */
  ptrdiff_t first;        /* index of the first tap */
  ptrdiff_t rows;         /* taps */
  ptrdiff_t columns;      /* taps */
  ptrdiff_t tap_row;      /* taps from one row to the next */
  ptrdiff_t input_row;    /* elements from one row of taps to the next */
  ptrdiff_t input_column; /* elements from one tap of a row to the next */
} unit_taps;

/* Sum of the products of one output. */
typedef int32_t (*unit_depthwise_sum)(const unit_depthwise_walk *walk, const unit_taps *taps);

/* Fills a walk; UNIT_ARG_ERROR when the channels of input and output do not match. */
unit_status unit_depthwise_conv_walk_init(unit_depthwise_walk *walk, const unit_context *ctx,
                                          const unit_dw_conv_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output);

/* Runs a schedule that needs no thresholds. */
void unit_depthwise_conv_walk_run(unit_depthwise_walk *walk, unit_depthwise_sum sum);

/* Runs the compare schedule: `compare` where the threshold lets MACs be skipped, else the dense
 * sum. scratch: kernel h * w bytes. */
void unit_depthwise_conv_walk_run_pruned(unit_depthwise_walk *walk, const unit_prune_params *prune,
                                         uint8_t *scratch, unit_depthwise_sum compare);

int32_t unit_depthwise_conv_dense_sum(const unit_depthwise_walk *walk, const unit_taps *taps);

#endif /* UNIT_DEPTHWISE_CONV_WALK_H_ */
