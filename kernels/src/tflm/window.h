/* Stride, dilation and padding of CONV_2D and DEPTHWISE_CONV_2D. */
#ifndef TFLM_UNIT_TFLM_WINDOW_H_
#define TFLM_UNIT_TFLM_WINDOW_H_

#include "tflm/bound_layer.h"
#include "tflm/node_tensors.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

const int64_t kMaxExtent = 32767;  // TFLM keeps the padding in an int16

/* Rows above (or columns left of) the image, as TFLite pads it; -1 when the window is too large or
 * the output size not the one that TFLite gives it. */
inline int32_t LeadingPadding(tflm::TfLitePadding padding, int32_t input, int32_t filter,
                              int32_t stride, int32_t dilation, int32_t output) {
  // int64: these come from a file.
  const int64_t extent = static_cast<int64_t>(filter - 1) * dilation + 1;
  const int64_t covered = padding == tflm::kTfLitePaddingSame ? input : input - extent + 1;
  const int64_t missing = static_cast<int64_t>(output - 1) * stride + extent - input;
  if (extent > kMaxExtent || covered < 1 || output != (covered + stride - 1) / stride) return -1;
  return missing > 0 ? static_cast<int32_t>(missing / 2) : 0;
}

/* Whether planned and activation_sorted can count positions and channels of a convolution, and
 * their scratch, which is at most 4 bytes per position of the image with all that the window adds
 * to it, and a table, for each input channel, tap and output channel. */
bool IsCountable(const unit_dims &input, const unit_dims &filter, const unit_dims &output,
                 const unit_tile &stride, const unit_tile &dilation);

/* Params: unit_conv_params or unit_dw_conv_params. Builtin: TFLite's struct of the operator. Fills
 * stride, dilation, padding, offsets and activation. Returns nullptr, or why it cannot. */
template <typename Params, typename Builtin>
const char *PrepareWindow(tflm::TfLiteContext *context, const Builtin &builtin,
                          const NodeTensors &tensors, const unit_dims &input,
                          const unit_dims &filter, const unit_dims &output, Params *params) {
  params->input_offset = -tensors.input()->params.zero_point;
  params->output_offset = tensors.output()->params.zero_point;
  params->stride = {builtin.stride_height, builtin.stride_width};
  params->dilation = {builtin.dilation_height_factor, builtin.dilation_width_factor};
  if (params->stride.h < 1 || params->stride.w < 1) return "stride";
  if (params->dilation.h < 1 || params->dilation.w < 1) return "dilation";
  // The core steps from one tap to the next in int32, also for a filter of a single tap.
  const int64_t row = static_cast<int64_t>(input.w) * input.c;
  if (params->dilation.h > INT32_MAX / row || params->dilation.w > INT32_MAX / input.c) {
    return "dilation";
  }
  if (builtin.padding != tflm::kTfLitePaddingSame && builtin.padding != tflm::kTfLitePaddingValid) {
    return "padding";
  }
  params->padding.h = LeadingPadding(builtin.padding, input.h, filter.h, params->stride.h,
                                     params->dilation.h, output.h);
  params->padding.w = LeadingPadding(builtin.padding, input.w, filter.w, params->stride.w,
                                     params->dilation.w, output.w);
  if (params->padding.h < 0 || params->padding.w < 0) return "window";
  return PrepareActivation(context, builtin.activation, tensors, &params->activation);
}

/* Whether every tap of the window lies inside the image at every output position. */
template <typename Params>
bool IsUnpadded(const unit_dims &input, const unit_dims &filter, const unit_dims &output,
                const Params &params) {
  // int64: these come from a file.
  const int64_t last_h = static_cast<int64_t>(output.h - 1) * params.stride.h +
                         static_cast<int64_t>(filter.h - 1) * params.dilation.h;
  const int64_t last_w = static_cast<int64_t>(output.w - 1) * params.stride.w +
                         static_cast<int64_t>(filter.w - 1) * params.dilation.w;
  return params.padding.h == 0 && params.padding.w == 0 && last_h < input.h && last_w < input.w;
}

/* MoveCenter() of a convolution. Taps beside the image would need another bias per position. */
template <typename Params>
const char *MoveWindowCenter(int32_t distance, const BoundLayer &layer, Params *params) {
  return IsUnpadded(layer.input, layer.filter, layer.output, *params) ? MoveCenter(distance, params)
                                                                      : "center of a padded layer";
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM

#endif  // TFLM_UNIT_TFLM_WINDOW_H_
