/* The tensors of a CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED node during prepare. */
#ifndef TFLM_UNIT_TFLM_NODE_TENSORS_H_
#define TFLM_UNIT_TFLM_NODE_TENSORS_H_

#include "core/unit_types.h"
#include "tflm/compat.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

enum NodeInput { kActivationInput = 0, kFilterInput = 1, kBiasInput = 2 };

/* Takes the tensors from the interpreter and gives them back when it goes out of scope. */
class NodeTensors {
 public:
  NodeTensors(tflm::TfLiteContext *context, const tflm::TfLiteNode *node);
  ~NodeTensors();
  NodeTensors(const NodeTensors &) = delete;
  NodeTensors &operator=(const NodeTensors &) = delete;

  /* All but the bias, which is nullptr when the node has none. */
  bool complete() const { return input_ != nullptr && filter_ != nullptr && output_ != nullptr; }
  const tflm::TfLiteTensor *input() const { return input_; }
  const tflm::TfLiteTensor *filter() const { return filter_; }
  const tflm::TfLiteTensor *bias() const { return bias_; }
  tflm::TfLiteTensor *output() const { return output_; }

 private:
  tflm::MicroContext *context_;
  tflm::TfLiteTensor *input_;
  tflm::TfLiteTensor *filter_;
  tflm::TfLiteTensor *bias_;
  tflm::TfLiteTensor *output_;
};

/* Number of elements, -1 when a dimension is below 1 or the product does not fit in int32. */
int32_t ElementCount(const tflm::TfLiteTensor &tensor);

/* NHWC; false unless the tensor has four dimensions. */
bool Dims4(const tflm::TfLiteTensor &tensor, unit_dims *dims);

/* The functions below return nullptr, or why the core cannot run the layer. */

/* Types, zero points, and the bias's size. */
const char *CheckTensors(const NodeTensors &tensors, int32_t output_channels);

/* What the multipliers and shifts are computed from. It outlives the tensors if weight_scales does,
 * which TFLM leaves in the model's file. */
struct Scales {
  float input;
  float output;
  const float *weights;
  int32_t weights_count;
  bool in_float;  // the stock kernel multiplies a single pair of scales in float, not in double
};

/* channel_axis: of the filter, for per-channel scales. Fills all but in_float. */
const char *FindScales(const NodeTensors &tensors, int32_t output_channels, int channel_axis,
                       Scales *scales);

/* Multipliers and shifts, in persistent memory, which must not be allocated while there are
 * NodeTensors: TFLM does not see that it would overlap them. */
const char *PrepareRequantization(tflm::TfLiteContext *context, const Scales &scales,
                                  unit_quant_params *quant);

/* Clamp of a fused activation; fatrelu_min is off. */
const char *PrepareActivation(tflm::TfLiteContext *context, tflm::TfLiteFusedActivation fused,
                              const NodeTensors &tensors, unit_activation *activation);

/* Counts activations from `distance` above the zero point; compensations make up for it. Returns
 * nullptr, or why it cannot. */
template <typename Params>
const char *MoveCenter(int32_t distance, Params *params) {
  const int32_t center = distance - params->input_offset;
  if (center < INT8_MIN || center > INT8_MAX) return "center outside int8";
  params->input_offset = -center;
  return nullptr;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM

#endif  // TFLM_UNIT_TFLM_NODE_TENSORS_H_
