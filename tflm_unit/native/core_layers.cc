#include "core_layers.h"

#include <stdexcept>

#include "unit_functions.h"

namespace tflm_unit {

namespace {

void Check(unit_status status) {
  if (status != UNIT_SUCCESS) throw std::logic_error("a core kernel refused a call");
}

unit_context Context(const Call &call, std::size_t scratch_size) {
  return {call.scratch, static_cast<int32_t>(scratch_size), call.counters};
}

}  // namespace

std::size_t CoreConv::scratch_size() const {
  if (spec().operands.schedule != Schedule::kCompare) return 0;
  const unit_dims &filter = spec().filter;
  return static_cast<std::size_t>(spec().depthwise
                                      ? unit_depthwise_conv_compare_s8_get_buffer_size(&filter)
                                      : unit_conv_compare_s8_get_buffer_size(&filter));
}

void CoreConv::Run(const Call &call) const {
  const unit_context ctx = Context(call, scratch_size());
  Check(spec().depthwise ? RunDepthwise(ctx, call) : RunConv(ctx, call));
}

unit_status CoreConv::RunConv(const unit_context &ctx, const Call &call) const {
  const ConvSpec &s = spec();
  const Operands &o = s.operands;
  const unit_conv_params params = {o.input_offset, o.output_offset, s.stride, s.padding,
                                   s.dilation,     o.activation,    {1, 1}};
  const unit_quant_params quant = o.quant();
  const int8_t *x = input(call), *w = o.weights.data();
  const int32_t *bias = o.bias_or_null();
  int8_t *y = output(call);
  switch (o.schedule) {
    case Schedule::kDense:
      return unit_conv_dense_s8(&ctx, &params, &quant, &s.input, x, &s.filter, w, bias, &s.output,
                                y);
    case Schedule::kZeroSkip:
      return unit_conv_zero_skip_s8(&ctx, &params, &quant, &s.input, x, &s.filter, w, bias,
                                    &s.output, y);
    case Schedule::kCompare:
      break;
  }
  const unit_prune_params prune = o.pruning.params();
  return unit_conv_compare_s8(&ctx, &params, &quant, &prune, &s.input, x, &s.filter, w, bias,
                              &s.output, y);
}

unit_status CoreConv::RunDepthwise(const unit_context &ctx, const Call &call) const {
  const ConvSpec &s = spec();
  const Operands &o = s.operands;
  const unit_dw_conv_params params = {o.input_offset, o.output_offset, s.output.c / s.input.c,
                                      s.stride,       s.padding,       s.dilation,
                                      o.activation};
  const unit_quant_params quant = o.quant();
  const int8_t *x = input(call), *w = o.weights.data();
  const int32_t *bias = o.bias_or_null();
  int8_t *y = output(call);
  switch (o.schedule) {
    case Schedule::kDense:
      return unit_depthwise_conv_dense_s8(&ctx, &params, &quant, &s.input, x, &s.filter, w, bias,
                                          &s.output, y);
    case Schedule::kZeroSkip:
      return unit_depthwise_conv_zero_skip_s8(&ctx, &params, &quant, &s.input, x, &s.filter, w,
                                              bias, &s.output, y);
    case Schedule::kCompare:
      break;
  }
  const unit_prune_params prune = o.pruning.params();
  return unit_depthwise_conv_compare_s8(&ctx, &params, &quant, &prune, &s.input, x, &s.filter, w,
                                        bias, &s.output, y);
}

std::size_t CoreFullyConnected::scratch_size() const {
  if (spec().operands.schedule != Schedule::kCompare) return 0;
  const unit_dims filter = {spec().inputs, 1, 1, spec().outputs};
  return static_cast<std::size_t>(unit_fully_connected_compare_s8_get_buffer_size(&filter));
}

void CoreFullyConnected::Run(const Call &call) const {
  const FullyConnectedSpec &s = spec();
  const Operands &o = s.operands;
  const unit_context ctx = Context(call, scratch_size());
  const unit_fc_params params = {o.input_offset, o.output_offset, o.activation};
  const unit_quant_params quant = o.quant();
  const unit_dims in = {s.rows, 1, 1, s.inputs}, filter = {s.inputs, 1, 1, s.outputs},
                  out = {s.rows, 1, 1, s.outputs};
  const int8_t *x = input(call), *w = o.weights.data();
  const int32_t *bias = o.bias_or_null();
  int8_t *y = output(call);
  switch (o.schedule) {
    case Schedule::kDense:
      return Check(
          unit_fully_connected_dense_s8(&ctx, &params, &quant, &in, x, &filter, w, bias, &out, y));
    case Schedule::kZeroSkip:
      return Check(unit_fully_connected_zero_skip_s8(&ctx, &params, &quant, &in, x, &filter, w,
                                                     bias, &out, y));
    case Schedule::kCompare:
      break;
  }
  const unit_prune_params prune = o.pruning.params();
  Check(unit_fully_connected_compare_s8(&ctx, &params, &quant, &prune, &in, x, &filter, w, bias,
                                        &out, y));
}

}  // namespace tflm_unit
