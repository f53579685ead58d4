#include "tflm/node_tensors.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

bool IsInt8(int32_t value) { return value >= -128 && value <= 127; }

const TfLiteAffineQuantization *Affine(const TfLiteTensor &tensor) {
  if (tensor.quantization.type != kTfLiteAffineQuantization) return nullptr;
  return static_cast<const TfLiteAffineQuantization *>(tensor.quantization.params);
}

bool IsSymmetric(const TfLiteAffineQuantization &quantization) {
  const TfLiteIntArray *zero_point = quantization.zero_point;
  for (int i = 0; zero_point != nullptr && i < zero_point->size; ++i) {
    if (zero_point->data[i] != 0) return false;
  }
  return true;
}

}  // namespace

NodeTensors::NodeTensors(TfLiteContext *context, const TfLiteNode *node)
    : context_(GetMicroContext(context)),
      input_(context_->AllocateTempInputTensor(node, kActivationInput)),
      filter_(context_->AllocateTempInputTensor(node, kFilterInput)),
      bias_(context_->AllocateTempInputTensor(node, kBiasInput)),
      output_(context_->AllocateTempOutputTensor(node, 0)) {}

NodeTensors::~NodeTensors() {
  TfLiteTensor *const tensors[] = {input_, filter_, bias_, output_};
  for (TfLiteTensor *tensor : tensors) {
    if (tensor != nullptr) context_->DeallocateTempTfLiteTensor(tensor);
  }
}

int32_t ElementCount(const TfLiteTensor &tensor) {
  int32_t count = 1;
  for (int i = 0; i < tensor.dims->size; ++i) {
    const int32_t dim = tensor.dims->data[i];
    if (dim < 1 || count > INT32_MAX / dim) return -1;
    count *= dim;
  }
  return count;
}

bool Dims4(const TfLiteTensor &tensor, unit_dims *dims) {
  if (tensor.dims->size != 4 || ElementCount(tensor) < 0) return false;
  const int *data = tensor.dims->data;
  *dims = {data[0], data[1], data[2], data[3]};
  return true;
}

const char *CheckTensors(const NodeTensors &tensors, int32_t output_channels) {
  const TfLiteTensor *bias = tensors.bias();
  if (tensors.input()->type != kTfLiteInt8 || tensors.output()->type != kTfLiteInt8 ||
      tensors.filter()->type != kTfLiteInt8 || (bias != nullptr && bias->type != kTfLiteInt32)) {
    return "tensor types";
  }
  if (bias != nullptr && ElementCount(*bias) != output_channels) return "size of the bias";
  if (!IsInt8(tensors.input()->params.zero_point) || !IsInt8(tensors.output()->params.zero_point)) {
    return "zero point";
  }
  return nullptr;
}

const char *FindScales(const NodeTensors &tensors, int32_t output_channels, int channel_axis,
                       Scales *scales) {
  const TfLiteAffineQuantization *filter = Affine(*tensors.filter());
  if (filter == nullptr || filter->scale == nullptr) return "weights without scale";
  if (!IsSymmetric(*filter)) return "weights with a zero point";
  const int32_t count = filter->scale->size;
  if (count != 1 && (count != output_channels || filter->quantized_dimension != channel_axis)) {
    return "number of weight scales";
  }
  scales->input = tensors.input()->params.scale;
  scales->output = tensors.output()->params.scale;
  scales->weights = filter->scale->data;
  scales->weights_count = count;
  return nullptr;
}

const char *PrepareRequantization(TfLiteContext *context, const Scales &scales,
                                  unit_quant_params *quant) {
  const bool per_channel = scales.weights_count > 1;
  const size_t bytes = sizeof(int32_t) * static_cast<size_t>(scales.weights_count);
  int32_t *multiplier =
      static_cast<int32_t *>(GetMicroContext(context)->AllocatePersistentBuffer(bytes));
  int32_t *shift =
      static_cast<int32_t *>(GetMicroContext(context)->AllocatePersistentBuffer(bytes));
  if (multiplier == nullptr || shift == nullptr) return "no memory";
  for (int32_t i = 0; i < scales.weights_count; ++i) {
    const float scale = scales.weights[i];
    const double product = scales.in_float && !per_channel
                               ? static_cast<double>(scales.input * scale)
                               : static_cast<double>(scales.input) * static_cast<double>(scale);
    const double effective = product / static_cast<double>(scales.output);
    // Also excludes NaN; 2^30 is far beyond any real model and keeps the shift within the core's
    // range.
    if (!(effective >= 0.0 && effective < 1073741824.0)) return "scales";
    int exponent;
    QuantizeMultiplier(effective, &multiplier[i], &exponent);
    shift[i] = exponent;
  }
  *quant = {multiplier, shift, per_channel ? 1 : 0};
  return nullptr;
}

const char *PrepareActivation(TfLiteContext *context, TfLiteFusedActivation fused,
                              const NodeTensors &tensors, unit_activation *activation) {
  *activation = {-128, 127, UNIT_FATRELU_OFF};
  if (CalculateActivationRangeQuantized(context, fused, tensors.output(), &activation->min,
                                        &activation->max) != kTfLiteOk ||
      !IsInt8(activation->min) || !IsInt8(activation->max) || activation->min > activation->max) {
    return "range of the activation";
  }
  return nullptr;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
