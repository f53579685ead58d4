#include "prunable.h"

#include <string>
#include <utility>

#include "checks.h"
#include "core_layers.h"
#include "vector_conv.h"
#include "vector_fully_connected.h"

namespace tflm_unit {

namespace {

void CheckOperands(const Operands &operands, int64_t weights, int32_t channels) {
  const auto outputs = static_cast<std::size_t>(channels);
  Require(static_cast<int64_t>(operands.weights.size()) == weights,
          std::to_string(operands.weights.size()) + " weights, " + std::to_string(weights) +
              " expected");
  Require(operands.bias.empty() || operands.bias.size() == outputs,
          "the bias does not have one value per output channel");
  Require(operands.multiplier.size() == outputs && operands.shift.size() == outputs,
          "the requantization does not have one pair per output channel");
  for (std::size_t i = 0; i < outputs; ++i) {
    CheckRequantization(operands.multiplier[i], operands.shift[i]);
  }
  CheckRange("input offset", operands.input_offset, -127, 128);
  CheckRange("output offset", operands.output_offset, -128, 127);
  CheckActivation(operands.activation);
  if (operands.schedule == Schedule::kCompare) operands.pruning.Validate(channels);
}

void CheckConv(const ConvSpec &spec) {
  for (const unit_dims &dims : {spec.input, spec.filter, spec.output}) CheckDims(dims);
  CheckRange("batch", spec.input.n, 1, 1);
  CheckWindow(spec.input, spec.filter, spec.output, spec.stride, spec.padding, spec.dilation);
  if (spec.depthwise) {
    Require(
        spec.filter.n == 1 && spec.filter.c == spec.output.c && spec.output.c % spec.input.c == 0,
        "the channels of input, filter and output do not match");
  } else {
    Require(spec.input.c % spec.filter.c == 0 && spec.filter.n == spec.output.c &&
                spec.output.c % (spec.input.c / spec.filter.c) == 0,
            "the channels of input, filter and output do not match");
  }
  CheckOperands(spec.operands, Elements(spec.filter), spec.output.c);
}

void CheckFullyConnected(const FullyConnectedSpec &spec) {
  CheckDims({spec.rows, 1, spec.inputs, spec.outputs});
  CheckOperands(spec.operands, int64_t{spec.inputs} * spec.outputs, spec.outputs);
}

// Bins of one tap for the activation 0.
uint32_t *Center(uint32_t *bins, int32_t input_offset) {
  return bins + PrunableLayer::kMaxActivation + input_offset;
}

}  // namespace

Pruning Operands::effective_pruning(int32_t channels) const {
  if (schedule == Schedule::kCompare) return pruning;
  return Pruning::Uniform(schedule == Schedule::kZeroSkip ? 0 : UNIT_NEVER_SKIP, channels);
}

ConvLayer::ConvLayer(int input, int output, ConvSpec spec)
    : PrunableLayer({{input, Elements(spec.input)}}, {output, Elements(spec.output)}),
      spec_(std::move(spec)) {}

std::size_t ConvLayer::histogram_size() const {
  return static_cast<std::size_t>(spec_.filter.h * spec_.filter.w) *
         static_cast<std::size_t>(spec_.input.c) * kActivationValues;
}

uint32_t ConvLayer::histogram_increment() const { return static_cast<uint32_t>(spec_.positions()); }

void ConvLayer::CountActivations(const Call &call, uint32_t *histogram) const {
  for (int32_t ky = 0; ky < spec_.filter.h; ++ky) {
    for (int32_t kx = 0; kx < spec_.filter.w; ++kx) {
      CountTap(ky * spec_.dilation.h - spec_.padding.h, kx * spec_.dilation.w - spec_.padding.w,
               input(call), Center(histogram, spec_.operands.input_offset));
      histogram += std::ptrdiff_t{spec_.input.c} * kActivationValues;
    }
  }
}

void ConvLayer::CountTap(int32_t top, int32_t left, const int8_t *image, uint32_t *bins) const {
  const unit_dims &in = spec_.input;
  for (int32_t oy = 0; oy < spec_.output.h; ++oy) {
    const int32_t y = oy * spec_.stride.h + top;
    if (y < 0 || y >= in.h) continue;
    for (int32_t ox = 0; ox < spec_.output.w; ++ox) {
      const int32_t x = ox * spec_.stride.w + left;
      if (x < 0 || x >= in.w) continue;
      const int8_t *pixel = image + (y * in.w + x) * in.c;
      for (int32_t c = 0; c < in.c; ++c) ++bins[std::ptrdiff_t{c} * kActivationValues + pixel[c]];
    }
  }
}

FullyConnectedLayer::FullyConnectedLayer(int input, int output, FullyConnectedSpec spec)
    : PrunableLayer({{input, int64_t{spec.rows} * spec.inputs}},
                    {output, int64_t{spec.rows} * spec.outputs}),
      spec_(std::move(spec)) {}

std::size_t FullyConnectedLayer::histogram_size() const {
  return static_cast<std::size_t>(spec_.inputs) * kActivationValues;
}

uint32_t FullyConnectedLayer::histogram_increment() const {
  return static_cast<uint32_t>(spec_.rows);
}

void FullyConnectedLayer::CountActivations(const Call &call, uint32_t *histogram) const {
  const int8_t *x = input(call);
  for (int32_t row = 0; row < spec_.rows; ++row) {
    uint32_t *bins = Center(histogram, spec_.operands.input_offset);
    for (int32_t i = 0; i < spec_.inputs; ++i, bins += kActivationValues) ++bins[*x++];
  }
}

std::unique_ptr<Layer> MakeConv(int input, int output, ConvSpec spec, Kernels kernels) {
  CheckConv(spec);
  if (kernels == Kernels::kVector && VectorConv::Fits(spec)) {
    return std::make_unique<VectorConv>(input, output, std::move(spec));
  }
  return std::make_unique<CoreConv>(input, output, std::move(spec));
}

std::unique_ptr<Layer> MakeFullyConnected(int input, int output, FullyConnectedSpec spec,
                                          Kernels kernels) {
  CheckFullyConnected(spec);
  if (kernels == Kernels::kVector && VectorFullyConnected::Fits(spec)) {
    return std::make_unique<VectorFullyConnected>(input, output, std::move(spec));
  }
  return std::make_unique<CoreFullyConnected>(input, output, std::move(spec));
}

}  // namespace tflm_unit
