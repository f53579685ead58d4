/* Internal: the planned schedule of CONV_2D and DEPTHWISE_CONV_2D (a convolution with groups of one
 * input channel); docs/planned.md.
 *
 * Output channels are taken in blocks. The activations of one input row add to the accumulators of
 * all output rows that they meet; an output row is finished after the last input row that it sees,
 * so a ring of rows is enough. The rows of pooling windows are finished together. Lists reach over
 * the ends of a row: there is slack before the first row and behind each. Scratch, divisions
 * rounding down, positions being output_dims * pool:
 *   slack = (taps of a list - 1) * dilation.w / gcd(stride.w, dilation.w), of the longest list
 *   rows = min(positions.h, (kernel.h - 1) * dilation.h / stride.h + pool.h)
 *   ring = (slack + rows * (positions.w + slack)) * plan.outputs accumulators
 *   size = 4 * ring + 2 * (kernel.h + 1) rounded up to 4
 * The layer runs only if ring <= 32767.
 */
#ifndef UNIT_PLAN_H_
#define UNIT_PLAN_H_

#include "unit_mac.h"
#include "unit_output.h"

/* Along one axis. ptrdiff_t is as wide as a pointer: 16 bits on MSP430, where 32 take their time.
 */
typedef struct {
  ptrdiff_t input;
  ptrdiff_t kernel;
  ptrdiff_t output; /* before pooling */
  ptrdiff_t pool;
  ptrdiff_t windows; /* output / pool */
  ptrdiff_t stride;
  ptrdiff_t padding;
  ptrdiff_t dilation;
  ptrdiff_t period;   /* taps that far apart meet the same inputs */
  ptrdiff_t tap_step; /* outputs between such taps */
} unit_plan_axis;

/* The taps that meet the inputs of one phase, which is (input coordinate + padding) mod stride. */
typedef struct {
  ptrdiff_t first; /* tap */
  ptrdiff_t count; /* 0: none */
  ptrdiff_t back;  /* outputs between that of the first tap and (coordinate + padding) / stride */
} unit_plan_phase;

/* A layer. Steps count elements. */
typedef struct {
  const unit_plan *plan;
  const unit_quant_params *quant;
  const unit_activation *activation;
  const int8_t *input;
  const int32_t *bias;
  int8_t *output;
  unit_counters *counters;
  unit_plan_axis y;
  unit_plan_axis x;
  ptrdiff_t images;
  ptrdiff_t groups;
  ptrdiff_t depth;         /* input channels of one group */
  ptrdiff_t channels;      /* output channels of one group */
  ptrdiff_t weight_output; /* weights from one output channel to the next */
  ptrdiff_t weight_tap;    /* weights from one tap to the next */
  ptrdiff_t slack;         /* columns */
  ptrdiff_t rows;          /* of the ring */
  ptrdiff_t pitch;         /* accumulators from one row of the ring to the next */
  int32_t ring;            /* accumulators */
  int32_t size;            /* bytes of scratch; -1: the layer cannot run */
  int16_t input_offset;
  int16_t output_offset;
} unit_plan_layer;

/* Shapes and scratch of a layer. The size is -1 where plan and dimensions do not match. */
void unit_plan_init_conv(unit_plan_layer *layer, const unit_conv_params *params,
                         const unit_plan *plan, const unit_dims *input_dims,
                         const unit_dims *filter_dims, const unit_dims *output_dims);
void unit_plan_init_depthwise(unit_plan_layer *layer, const unit_dw_conv_params *params,
                              const unit_plan *plan, const unit_dims *input_dims,
                              const unit_dims *filter_dims, const unit_dims *output_dims);

/* Whether a plan has all its arrays. */
static inline int unit_plan_is_complete(const unit_plan *plan) {
  return plan != NULL && plan->weight != NULL && plan->at != NULL && plan->count != NULL &&
         plan->class_of != NULL && plan->classes >= 1 && plan->classes <= UNIT_PLAN_CLASSES &&
         plan->outputs >= 1 && plan->outputs <= UNIT_PLAN_WINDOW;
}

unit_plan_phase unit_plan_phase_of(const unit_plan_axis *axis, ptrdiff_t phase);

/* Runs the layer, whose data are filled in; UNIT_ARG_ERROR when it cannot. */
unit_status unit_plan_run(unit_plan_layer *layer, const unit_context *ctx);

#ifdef UNIT_ENABLE_COUNTERS
/* Counts all MACs of the layer as skipped. */
void unit_plan_count_all(const unit_plan_layer *layer);

/* Takes back those that a row of activations walks. channel: the block's first output channel;
 * column: output column of the first position's lists. */
void unit_plan_count_walked(const unit_plan_layer *layer, const unit_plan_row *row,
                            ptrdiff_t channel, ptrdiff_t column);
#endif

#endif /* UNIT_PLAN_H_ */
