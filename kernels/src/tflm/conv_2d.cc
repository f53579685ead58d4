#include "core/unit_functions.h"
#include "tflm/override.h"
#include "tflm/register.h"
#include "tflm/window.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

const int kOutputChannelAxis = 0;  // filters are OHWI

const char *Setup(TfLiteContext *context, const void *builtin_data, const NodeTensors &tensors,
                  BoundLayer *layer, Scales *scales) {
  unit_dims &input = layer->input;
  unit_dims &filter = layer->filter;
  unit_dims &output = layer->output;
  if (!Dims4(*tensors.input(), &input) || !Dims4(*tensors.filter(), &filter) ||
      !Dims4(*tensors.output(), &output) || output.n != input.n || output.c != filter.n ||
      input.c % filter.c != 0 || output.c % (input.c / filter.c) != 0) {
    return "shapes";
  }
  layer->params.conv.pool = {1, 1};  // pooling is a node of its own
  const char *reason = CheckTensors(tensors, output.c);
  if (reason == nullptr) {
    reason = PrepareWindow(context, *static_cast<const TfLiteConvParams *>(builtin_data), tensors,
                           input, filter, output, &layer->params.conv);
  }
  scales->in_float = false;
  if (reason == nullptr) {
    reason = FindScales(tensors, output.c, kOutputChannelAxis, scales);
  }
  return reason;
}

const char *Center(int32_t distance, BoundLayer *layer) {
  return MoveWindowCenter(distance, *layer, &layer->params.conv);
}

PlanGeometry Geometry(const BoundLayer &layer) {
  return GeometryOf(layer.params.conv, layer.input, layer.filter);
}

int32_t ScratchSize(const BoundLayer &layer, const Pruning &pruning) {
  const unit_conv_params &params = layer.params.conv;
  if (pruning.schedule != Schedule::kCompare &&
      !IsCountable(layer.input, layer.filter, layer.output, params.stride, params.dilation)) {
    return -1;
  }
  switch (pruning.schedule) {
    case Schedule::kPlanned:
      return unit_conv_planned_s8_get_buffer_size(&params, &pruning.planned.plan, &layer.input,
                                                  &layer.filter, &layer.output);
    case Schedule::kActivationSorted:
      return unit_conv_activation_sorted_s8_get_buffer_size(&params, &layer.input, &layer.filter,
                                                            &layer.output);
    default:
      return unit_conv_compare_s8_get_buffer_size(&layer.filter);
  }
}

unit_status Run(const BoundLayer &layer, const unit_context &scratch, const Pruning &pruning,
                const OpData &data) {
  unit_conv_params params = layer.params.conv;
  params.activation.fatrelu_min = pruning.fatrelu_min;
  switch (pruning.schedule) {
    case Schedule::kPlanned:
      return unit_conv_planned_s8(&scratch, &params, &layer.quant, &pruning.planned.plan,
                                  &layer.input, data.input, &layer.filter, data.bias, &layer.output,
                                  data.output);
    case Schedule::kActivationSorted:
      return unit_conv_activation_sorted_s8(&scratch, &params, &layer.quant, &pruning.compare,
                                            &layer.input, data.input, &layer.filter, data.filter,
                                            data.bias, &layer.output, data.output);
    default:
      return unit_conv_compare_s8(&scratch, &params, &layer.quant, &pruning.compare, &layer.input,
                                  data.input, &layer.filter, data.filter, data.bias, &layer.output,
                                  data.output);
  }
}

constexpr OpKind kConv2d = {3, Register_CONV_2D, Setup, Center, Geometry, ScratchSize, Run};

}  // namespace

Registration Register_CONV_2D_UNIT() { return Override<kConv2d>::Register(); }

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
