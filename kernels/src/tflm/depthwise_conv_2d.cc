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
  layer->scratch_size = unit_depthwise_conv_compare_s8_get_buffer_size(&filter);
  return reason;
}

unit_status Run(const BoundLayer &layer, const unit_context &scratch,
                const unit_prune_params &prune, int32_t fatrelu_min, const OpData &data) {
  unit_dw_conv_params params = layer.params.depthwise_conv;
  params.activation.fatrelu_min = fatrelu_min;
  return unit_depthwise_conv_compare_s8(&scratch, &params, &layer.quant, &prune, &layer.input,
                                        data.input, &layer.filter, data.filter, data.bias,
                                        &layer.output, data.output);
}

constexpr OpKind kDepthwiseConv2d = {4, Register_DEPTHWISE_CONV_2D, Setup, Run};

}  // namespace

Registration Register_DEPTHWISE_CONV_2D_UNIT() { return Override<kDepthwiseConv2d>::Register(); }

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
