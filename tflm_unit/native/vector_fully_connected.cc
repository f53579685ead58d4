#include "vector_fully_connected.h"

#include <algorithm>
#include <utility>

namespace tflm_unit {

VectorFullyConnected::VectorFullyConnected(int input, int output, FullyConnectedSpec layer)
    : FullyConnectedLayer(input, output, std::move(layer)) {
  const FullyConnectedSpec &s = spec();
  const Operands &o = s.operands;
  const Pruning pruning = o.effective_pruning(s.outputs);
  const std::vector<int16_t> cutoffs = Cutoffs(Op::kFullyConnected, o.weights, s.outputs, pruning);
  prunes_ = pruning.skips();
  padded_ = PadLanes(s.inputs);
  const auto size = static_cast<std::size_t>(s.outputs) * static_cast<std::size_t>(padded_);
  weights_.assign(size, 0);
  cutoffs_.assign(size, kMaxActivation);
  nonzero_.assign(static_cast<std::size_t>(padded_), 0);
  const unit_quant_params quant = o.quant();
  for (int32_t channel = 0; channel < s.outputs; ++channel) {
    for (int32_t i = 0; i < s.inputs; ++i) {
      const auto from = static_cast<std::size_t>(channel * s.inputs + i);
      const auto to = static_cast<std::size_t>(channel) * static_cast<std::size_t>(padded_) +
                      static_cast<std::size_t>(i);
      weights_[to] = o.weights[from];
      cutoffs_[to] = cutoffs[from];
      if (weights_[to] != 0) ++nonzero_[static_cast<std::size_t>(i)], ++nonzero_total_;
    }
    outputs_.push_back(unit_output_of_channel(&quant, &o.activation, o.output_offset,
                                              o.bias_or_null(), pruning.params().compensation,
                                              channel));
  }
}

std::size_t VectorFullyConnected::scratch_size() const {
  return AlignUp(static_cast<std::size_t>(padded_) * sizeof(int16_t));
}

void VectorFullyConnected::Run(const Call &call) const {
  const FullyConnectedSpec &s = spec();
  auto *x = static_cast<int16_t *>(call.scratch);
  std::fill(x + s.inputs, x + padded_, int16_t{0});
  const int8_t *row = input(call);
  int8_t *out = output(call);
  for (int32_t i = 0; i < s.rows; ++i) {
    Widen(row, 1, s.operands.input_offset, s.inputs, x);
    RunRow(x, out, call.counters);
    row += s.inputs;
    out += s.outputs;
  }
}

void VectorFullyConnected::RunRow(const int16_t *x, int8_t *out, unit_counters *counters) const {
  const int64_t macs = int64_t{spec().inputs} * spec().outputs;
  uint64_t kept = 0;
  for (int32_t channel = 0; channel < spec().outputs; ++channel) {
    const int32_t sum = Output(x, channel, counters, &kept);
    out[channel] = unit_output_value(&outputs_[static_cast<std::size_t>(channel)], sum);
  }
  counters->macs_total += static_cast<uint64_t>(macs);
  counters->macs_zero +=
      static_cast<uint64_t>(macs - nonzero_total_ + SumWhereZero(x, nonzero_.data(), padded_));
  if (prunes_) counters->macs_skipped += static_cast<uint64_t>(macs) - kept;
}

int32_t VectorFullyConnected::Output(const int16_t *x, int32_t channel, unit_counters *counters,
                                     uint64_t *kept) const {
  const auto first = static_cast<std::size_t>(channel) * static_cast<std::size_t>(padded_);
  const int16_t *weights = &weights_[first];
  if (!prunes_) return Dot(x, weights, padded_);
  const int32_t sum = DotKept(x, weights, &cutoffs_[first], padded_, kept);
  if (counters->skipped_sum != nullptr) {
    counters->skipped_sum[channel] += Dot(x, weights, padded_) - sum;
  }
  return sum;
}

}  // namespace tflm_unit
