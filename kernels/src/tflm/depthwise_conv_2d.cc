#include "core/unit_functions.h"
#include "tflm/override.h"
#include "tflm/register.h"
#include "tflm/window.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

const int kOutputChannelAxis = 3;  // filters are 1HWO

const char *Setup(TfLiteContext *context, const void *builtin_data, const NodeTensors &tensors,
                  BoundLayer *layer, Scales *scales) {
  const TfLiteDepthwiseConvParams &builtin =
      *static_cast<const TfLiteDepthwiseConvParams *>(builtin_data);
  unit_dims &input = layer->input;
  unit_dims &filter = layer->filter;
  unit_dims &output = layer->output;
  if (!Dims4(*tensors.input(), &input) || !Dims4(*tensors.filter(), &filter) ||
      !Dims4(*tensors.output(), &output) || output.n != input.n || filter.n != 1 ||
      output.c != filter.c || output.c % input.c != 0) {
    return "shapes";
  }
  layer->params.depthwise_conv.ch_mult = output.c / input.c;
  if (builtin.depth_multiplier != output.c / input.c) return "depth_multiplier";
  const char *reason = CheckTensors(tensors, output.c);
  if (reason == nullptr) {
    reason = PrepareWindow(context, builtin, tensors, input, filter, output,
                           &layer->params.depthwise_conv);
  }
  scales->in_float = false;
  if (reason == nullptr) {
    reason = FindScales(tensors, output.c, kOutputChannelAxis, scales);
  }
  return reason;
}

const char *Center(int32_t distance, BoundLayer *layer) {
  return MoveWindowCenter(distance, *layer, &layer->params.depthwise_conv);
}

PlanGeometry Geometry(const BoundLayer &layer) {
  return GeometryOf(layer.params.depthwise_conv, layer.input, layer.filter);
}

int32_t ScratchSize(const BoundLayer &layer, const Pruning &pruning) {
  const unit_dw_conv_params &params = layer.params.depthwise_conv;
  if (pruning.schedule != Schedule::kCompare &&
      !IsCountable(layer.input, layer.filter, layer.output, params.stride, params.dilation)) {
    return -1;
  }
  switch (pruning.schedule) {
    case Schedule::kPlanned:
      return unit_depthwise_conv_planned_s8_get_buffer_size(
          &params, &pruning.planned.plan, &layer.input, &layer.filter, &layer.output);
    case Schedule::kActivationSorted:
      return unit_depthwise_conv_activation_sorted_s8_get_buffer_size(&params, &layer.input,
                                                                      &layer.filter, &layer.output);
    default:
      return unit_depthwise_conv_compare_s8_get_buffer_size(&layer.filter);
  }
}

unit_status Run(const BoundLayer &layer, const unit_context &scratch, const Pruning &pruning,
                const OpData &data) {
  unit_dw_conv_params params = layer.params.depthwise_conv;
  params.activation.fatrelu_min = pruning.fatrelu_min;
  switch (pruning.schedule) {
    case Schedule::kPlanned:
      return unit_depthwise_conv_planned_s8(&scratch, &params, &layer.quant, &pruning.planned.plan,
                                            &layer.input, data.input, &layer.filter, data.bias,
                                            &layer.output, data.output);
    case Schedule::kActivationSorted:
      return unit_depthwise_conv_activation_sorted_s8(
          &scratch, &params, &layer.quant, &pruning.compare, &layer.input, data.input,
          &layer.filter, data.filter, data.bias, &layer.output, data.output);
    default:
      return unit_depthwise_conv_compare_s8(&scratch, &params, &layer.quant, &pruning.compare,
                                            &layer.input, data.input, &layer.filter, data.filter,
                                            data.bias, &layer.output, data.output);
  }
}

constexpr OpKind kDepthwiseConv2d = {
    4, Register_DEPTHWISE_CONV_2D, Setup, Center, Geometry, ScratchSize, Run};

}  // namespace

Registration Register_DEPTHWISE_CONV_2D_UNIT() { return Override<kDepthwiseConv2d>::Register(); }

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
