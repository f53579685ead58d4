#include "core/unit_functions.h"
#include "tflm/override.h"
#include "tflm/register.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

const int kOutputChannelAxis = 0;  // filters are (outputs, inputs)

// Inputs may have any number of dimensions: whatever lies before the last `inputs` elements is
// rows.
bool PrepareShapes(const NodeTensors &tensors, BoundLayer *layer) {
  const TfLiteIntArray &filter = *tensors.filter()->dims;
  const TfLiteIntArray &output = *tensors.output()->dims;
  const int32_t input_size = ElementCount(*tensors.input());
  const int32_t filter_size = ElementCount(*tensors.filter());
  const int32_t output_size = ElementCount(*tensors.output());
  if (filter.size < 2 || output.size < 1 || input_size < 0 || filter_size < 0 || output_size < 0) {
    return false;
  }
  const int32_t inputs = filter.data[filter.size - 1];
  const int32_t outputs = output.data[output.size - 1];
  const int32_t rows = input_size / inputs;
  layer->input = {rows, 1, 1, inputs};
  layer->filter = {inputs, 1, 1, outputs};
  layer->output = {rows, 1, 1, outputs};
  return input_size % inputs == 0 && filter_size % inputs == 0 && filter_size / inputs == outputs &&
         output_size / outputs == rows;
}

const char *Setup(TfLiteContext *context, const void *builtin_data, const NodeTensors &tensors,
                  BoundLayer *layer, Scales *scales) {
  const TfLiteFullyConnectedParams &builtin =
      *static_cast<const TfLiteFullyConnectedParams *>(builtin_data);
  unit_fc_params &params = layer->params.fully_connected;
  if (!PrepareShapes(tensors, layer)) return "shapes";
  params.input_offset = -tensors.input()->params.zero_point;
  params.output_offset = tensors.output()->params.zero_point;
  const char *reason = CheckTensors(tensors, layer->output.c);
  if (reason == nullptr) {
    reason = PrepareActivation(context, builtin.activation, tensors, &params.activation);
  }
  scales->in_float = true;
  if (reason == nullptr) {
    reason = FindScales(tensors, layer->output.c, kOutputChannelAxis, scales);
  }
  return reason;
}

const char *Center(int32_t distance, BoundLayer *layer) {
  return MoveCenter(distance, &layer->params.fully_connected);
}

PlanGeometry Geometry(const BoundLayer &layer) {
  return GeometryOf(layer.params.fully_connected, layer.filter);
}

int32_t ScratchSize(const BoundLayer &layer, const Pruning &pruning) {
  return pruning.schedule == Schedule::kPlanned
             ? unit_fully_connected_planned_s8_get_buffer_size(&pruning.planned.plan)
             : unit_fully_connected_compare_s8_get_buffer_size(&layer.filter);
}

unit_status Run(const BoundLayer &layer, const unit_context &scratch, const Pruning &pruning,
                const OpData &data) {
  unit_fc_params params = layer.params.fully_connected;
  params.activation.fatrelu_min = pruning.fatrelu_min;
  if (pruning.schedule == Schedule::kPlanned) {
    return unit_fully_connected_planned_s8(&scratch, &params, &layer.quant, &pruning.planned.plan,
                                           &layer.input, data.input, &layer.filter, data.bias,
                                           &layer.output, data.output);
  }
  return unit_fully_connected_compare_s8(&scratch, &params, &layer.quant, &pruning.compare,
                                         &layer.input, data.input, &layer.filter, data.filter,
                                         data.bias, &layer.output, data.output);
}

constexpr OpKind kFullyConnected = {
    9, Register_FULLY_CONNECTED, Setup, Center, Geometry, ScratchSize, Run};

}  // namespace

Registration Register_FULLY_CONNECTED_UNIT() { return Override<kFullyConnected>::Register(); }

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
