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
                  OpState *state) {
  unit_dims &input = state->input;
  unit_dims &filter = state->filter;
  unit_dims &output = state->output;
  if (!Dims4(*tensors.input(), &input) || !Dims4(*tensors.filter(), &filter) ||
      !Dims4(*tensors.output(), &output) || output.n != input.n || output.c != filter.n ||
      input.c % filter.c != 0 || output.c % (input.c / filter.c) != 0) {
    return "shapes";
  }
  const char *reason = CheckTensors(tensors, output.c);
  if (reason == nullptr) {
    reason = PrepareWindow(context, *static_cast<const TfLiteConvParams *>(builtin_data), tensors,
                           input, filter, output, &state->params.conv);
  }
  if (reason == nullptr) {
    reason =
        PrepareRequantization(context, tensors, output.c, kOutputChannelAxis, false, &state->quant);
  }
  state->scratch_size = unit_conv_compare_s8_get_buffer_size(&filter);
  return reason;
}

unit_status Run(const OpState &state, const unit_context &scratch, const unit_prune_params &prune,
                int32_t fatrelu_min, const OpData &data) {
  unit_conv_params params = state.params.conv;
  params.activation.fatrelu_min = fatrelu_min;
  return unit_conv_compare_s8(&scratch, &params, &state.quant, &prune, &state.input, data.input,
                              &state.filter, data.filter, data.bias, &state.output, data.output);
}

constexpr OpKind kConv2d = {3, Register_CONV_2D, Setup, Run};

}  // namespace

Registration Register_CONV_2D_UNIT() { return Override<kConv2d>::Register(); }

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
