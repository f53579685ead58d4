/* Public functions of the core: portable C99, no allocation, no libc beyond string.h.
 *
 * int8 activations and weights, int32 bias and accumulators. Requantization is bit-exact with
 * TFLM's reference kernels (double rounding). Schedules of one operator give identical results:
 *   dense      every MAC
 *   zero_skip  skips zero products: what a threshold of 0 does
 *   compare    skips |z| <= div(T, |c|), UnIT eq. 1-3 (arXiv 2507.07885)
 *   planned    skips the same MACs, in an order of the weights in which they cost nothing
 *   activation_sorted  skips the same MACs, in an order of the activations made at run time
 * Every buffer that a function needs has a ..._get_buffer_size() twin; the others use no scratch.
 * That of activation_sorted is -1 for a layer that it cannot run: see unit_sorted.h.
 * A sum of at most 65793 products (2^31 / (255 * 128)) cannot overflow its accumulator, whatever
 * the values.
 */
#ifndef UNIT_FUNCTIONS_H_
#define UNIT_FUNCTIONS_H_

#include "unit_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- CONV_2D. filter: [O][KH][KW][I / groups]; bias: [O] or NULL. The control term is the weight:
 * the quotients of one output channel are computed once and serve all its output positions. */
unit_status unit_conv_dense_s8(const unit_context *ctx, const unit_conv_params *params,
                               const unit_quant_params *quant, const unit_dims *input_dims,
                               const int8_t *input, const unit_dims *filter_dims,
                               const int8_t *filter, const int32_t *bias,
                               const unit_dims *output_dims, int8_t *output);
unit_status unit_conv_zero_skip_s8(const unit_context *ctx, const unit_conv_params *params,
                                   const unit_quant_params *quant, const unit_dims *input_dims,
                                   const int8_t *input, const unit_dims *filter_dims,
                                   const int8_t *filter, const int32_t *bias,
                                   const unit_dims *output_dims, int8_t *output);
unit_status unit_conv_compare_s8(const unit_context *ctx, const unit_conv_params *params,
                                 const unit_quant_params *quant, const unit_prune_params *prune,
                                 const unit_dims *input_dims, const int8_t *input,
                                 const unit_dims *filter_dims, const int8_t *filter,
                                 const int32_t *bias, const unit_dims *output_dims, int8_t *output);
int32_t unit_conv_compare_s8_get_buffer_size(const unit_dims *filter_dims);
unit_status unit_conv_planned_s8(const unit_context *ctx, const unit_conv_params *params,
                                 const unit_quant_params *quant, const unit_plan *plan,
                                 const unit_dims *input_dims, const int8_t *input,
                                 const unit_dims *filter_dims, const int32_t *bias,
                                 const unit_dims *output_dims, int8_t *output);
int32_t unit_conv_planned_s8_get_buffer_size(const unit_conv_params *params, const unit_plan *plan,
                                             const unit_dims *input_dims,
                                             const unit_dims *filter_dims,
                                             const unit_dims *output_dims);
unit_status unit_conv_activation_sorted_s8(const unit_context *ctx, const unit_conv_params *params,
                                           const unit_quant_params *quant,
                                           const unit_prune_params *prune,
                                           const unit_dims *input_dims, const int8_t *input,
                                           const unit_dims *filter_dims, const int8_t *filter,
                                           const int32_t *bias, const unit_dims *output_dims,
                                           int8_t *output);
int32_t unit_conv_activation_sorted_s8_get_buffer_size(const unit_conv_params *params,
                                                       const unit_dims *input_dims,
                                                       const unit_dims *filter_dims,
                                                       const unit_dims *output_dims);

/* ---- DEPTHWISE_CONV_2D. filter: [1][KH][KW][O]. Control term: the weight. */
unit_status unit_depthwise_conv_dense_s8(const unit_context *ctx, const unit_dw_conv_params *params,
                                         const unit_quant_params *quant,
                                         const unit_dims *input_dims, const int8_t *input,
                                         const unit_dims *filter_dims, const int8_t *filter,
                                         const int32_t *bias, const unit_dims *output_dims,
                                         int8_t *output);
unit_status unit_depthwise_conv_zero_skip_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_dims *input_dims, const int8_t *input, const unit_dims *filter_dims,
    const int8_t *filter, const int32_t *bias, const unit_dims *output_dims, int8_t *output);
unit_status unit_depthwise_conv_compare_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_prune_params *prune, const unit_dims *input_dims, const int8_t *input,
    const unit_dims *filter_dims, const int8_t *filter, const int32_t *bias,
    const unit_dims *output_dims, int8_t *output);
int32_t unit_depthwise_conv_compare_s8_get_buffer_size(const unit_dims *filter_dims);
unit_status unit_depthwise_conv_planned_s8(const unit_context *ctx,
                                           const unit_dw_conv_params *params,
                                           const unit_quant_params *quant, const unit_plan *plan,
                                           const unit_dims *input_dims, const int8_t *input,
                                           const unit_dims *filter_dims, const int32_t *bias,
                                           const unit_dims *output_dims, int8_t *output);
int32_t unit_depthwise_conv_planned_s8_get_buffer_size(const unit_dw_conv_params *params,
                                                       const unit_plan *plan,
                                                       const unit_dims *input_dims,
                                                       const unit_dims *filter_dims,
                                                       const unit_dims *output_dims);
unit_status unit_depthwise_conv_activation_sorted_s8(
    const unit_context *ctx, const unit_dw_conv_params *params, const unit_quant_params *quant,
    const unit_prune_params *prune, const unit_dims *input_dims, const int8_t *input,
    const unit_dims *filter_dims, const int8_t *filter, const int32_t *bias,
    const unit_dims *output_dims, int8_t *output);
int32_t unit_depthwise_conv_activation_sorted_s8_get_buffer_size(const unit_dw_conv_params *params,
                                                                 const unit_dims *input_dims,
                                                                 const unit_dims *filter_dims,
                                                                 const unit_dims *output_dims);

/* ---- FULLY_CONNECTED. filter: [outputs][inputs]; input_dims.n rows are processed independently.
 * The control term is the activation: one division serves the outputs that share a threshold. */
unit_status unit_fully_connected_dense_s8(const unit_context *ctx, const unit_fc_params *params,
                                          const unit_quant_params *quant,
                                          const unit_dims *input_dims, const int8_t *input,
                                          const unit_dims *filter_dims, const int8_t *filter,
                                          const int32_t *bias, const unit_dims *output_dims,
                                          int8_t *output);
unit_status unit_fully_connected_zero_skip_s8(const unit_context *ctx, const unit_fc_params *params,
                                              const unit_quant_params *quant,
                                              const unit_dims *input_dims, const int8_t *input,
                                              const unit_dims *filter_dims, const int8_t *filter,
                                              const int32_t *bias, const unit_dims *output_dims,
                                              int8_t *output);
unit_status unit_fully_connected_compare_s8(const unit_context *ctx, const unit_fc_params *params,
                                            const unit_quant_params *quant,
                                            const unit_prune_params *prune,
                                            const unit_dims *input_dims, const int8_t *input,
                                            const unit_dims *filter_dims, const int8_t *filter,
                                            const int32_t *bias, const unit_dims *output_dims,
                                            int8_t *output);
int32_t unit_fully_connected_compare_s8_get_buffer_size(const unit_dims *filter_dims);
unit_status unit_fully_connected_planned_s8(const unit_context *ctx, const unit_fc_params *params,
                                            const unit_quant_params *quant, const unit_plan *plan,
                                            const unit_dims *input_dims, const int8_t *input,
                                            const unit_dims *filter_dims, const int32_t *bias,
                                            const unit_dims *output_dims, int8_t *output);
int32_t unit_fully_connected_planned_s8_get_buffer_size(const unit_plan *plan);

/* ---- Dividers. */

/* div(threshold, control) of the predicate. threshold: 0..UNIT_MAX_THRESHOLD; control: 1..255.
 * tree is read by UNIT_DIVIDER_BINARY_TREE, row (UNIT_TABLE_ROW quotients) by UNIT_DIVIDER_TABLE.
 * Returns the quotient clipped to 0..255: no operand is larger, so clipping changes no decision. */
uint8_t unit_divide(unit_divider divider, int16_t threshold, uint8_t control, const uint8_t *tree,
                    const uint8_t *row);

/* ---- Operators that whole models need around the prunable ones. */

/* input, output: [n][h][w][c]; filter_dims: {h, w}. Padding takes no part in the maximum or mean; a
 * window that lies in it altogether is an UNIT_ARG_ERROR. The mean rounds ties away from zero. */
unit_status unit_max_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output);
unit_status unit_avg_pool_s8(const unit_pool_params *params, const unit_dims *input_dims,
                             const int8_t *input, const unit_dims *filter_dims,
                             const unit_dims *output_dims, int8_t *output);

/* Element-wise sum of two tensors of one shape. Offsets, multipliers and shifts as TFLite's ADD
 * prepares them (left_shift 20). */
typedef struct {
  int32_t input1_offset;
  int32_t input1_multiplier;
  int32_t input1_shift;
  int32_t input2_offset;
  int32_t input2_multiplier;
  int32_t input2_shift;
  int32_t left_shift;
  int32_t output_offset;
  int32_t output_multiplier;
  int32_t output_shift;
  unit_activation activation;
} unit_add_params;
unit_status unit_add_s8(const unit_add_params *params, const int8_t *input1, const int8_t *input2,
                        int32_t size, int8_t *output);

/* pre, post: elements added before and after each of the four dimensions. */
unit_status unit_pad_s8(const unit_dims *pre, const unit_dims *post, int8_t value,
                        const unit_dims *input_dims, const int8_t *input, int8_t *output);

/* multiplier * 2^(shift - 31) is input_scale / output_scale. */
typedef struct {
  int32_t input_offset;  /* -input zero point, or -center: -127..128 */
  int32_t output_offset; /* output zero point: -128..127 */
  int32_t multiplier;
  int32_t shift;
} unit_requant_params;

/* Mean over the middle dimension of [outer][reduced][inner]. reduced: 1..2^23. As in TFLite,
 * 1 / reduced is multiplied into the multiplier (rounded down), and the sum is rounded only once.
 */
unit_status unit_mean_s8(const unit_requant_params *params, int32_t outer, int32_t reduced,
                         int32_t inner, const int8_t *input, int8_t *output);

/* rows of row_size logits, at least one; multiplier, shift and diff_min (<= 0) as TFLite's SOFTMAX
 * prepares them; the output has scale 1/256 and zero point -128. */
unit_status unit_softmax_s8(const int8_t *input, int32_t rows, int32_t row_size, int32_t multiplier,
                            int32_t shift, int32_t diff_min, int8_t *output);

/* RELU, RELU6, RELU_N1_TO_1 and QUANTIZE int8 -> int8: requantize, then clamp to min..max. A
 * multiplier of 2^30 with shift 1 changes nothing: that is TFLM's RELU6, a mere clamp. */
unit_status unit_requantize_s8(const unit_requant_params *params, const unit_activation *activation,
                               const int8_t *input, int32_t size, int8_t *output);

/* input / scale rounded to nearest, ties away from zero, and saturated; NaN becomes -128. */
unit_status unit_quantize_f32_s8(float scale, int32_t zero_point, const float *input, int32_t size,
                                 int8_t *output);
unit_status unit_dequantize_s8_f32(float scale, int32_t zero_point, const int8_t *input,
                                   int32_t size, float *output);

/* One input of CONCATENATION seen as [outer][inner]: written at column `column` of an output of
 * `output_inner` columns. Call once per input. */
unit_status unit_concatenation_s8(const int8_t *input, int32_t outer, int32_t inner, int32_t column,
                                  int32_t output_inner, int8_t *output);

/* ---- Two operating points (docs/tune.md): by how much the largest of `size` outputs, at least
 * two, exceeds the next, 0..255. */
int32_t unit_margin_s8(const int8_t *output, int32_t size);

#ifdef __cplusplus
}
#endif

#endif /* UNIT_FUNCTIONS_H_ */
