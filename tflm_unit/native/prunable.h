// The prunable layers: what they are made of, and the parts that every kernel form shares.
#ifndef TFLM_UNIT_NATIVE_PRUNABLE_H_
#define TFLM_UNIT_NATIVE_PRUNABLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "layer.h"
#include "pruning.h"
#include "unit_types.h"

namespace tflm_unit {

// What the three operators have in common. Weights are laid out as in TFLite.
struct Operands {
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;  // [output channels]; empty: none
  std::vector<int32_t> multiplier;
  std::vector<int32_t> shift;
  int32_t input_offset = 0;
  int32_t output_offset = 0;
  unit_activation activation = {INT8_MIN, INT8_MAX, UNIT_FATRELU_OFF};
  Schedule schedule = Schedule::kDense;
  Pruning pruning;  // of Schedule::kCompare

  const int32_t *bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
  unit_quant_params quant() const { return {multiplier.data(), shift.data(), 1}; }
  // What the schedule means as thresholds.
  Pruning effective_pruning(int32_t channels) const;
};

struct ConvSpec {
  Operands operands;
  bool depthwise = false;
  unit_dims input = {};  // n = 1, as in output
  unit_dims filter = {};
  unit_dims output = {};
  unit_tile stride = {1, 1};
  unit_tile padding = {0, 0};
  unit_tile dilation = {1, 1};

  int32_t positions() const { return output.h * output.w; }
};

struct FullyConnectedSpec {
  Operands operands;
  int32_t rows = 0;
  int32_t inputs = 0;
  int32_t outputs = 0;
};

// The specs that constructors get have been checked by the Make functions below.
class ConvLayer : public PrunableLayer {
 public:
  ConvLayer(int input, int output, ConvSpec spec);

  int32_t channels() const override { return spec_.output.c; }
  std::size_t histogram_size() const override;
  uint32_t histogram_increment() const override;
  void CountActivations(const Call &call, uint32_t *histogram) const override;

 protected:
  const ConvSpec &spec() const { return spec_; }
  Op op() const { return spec_.depthwise ? Op::kDepthwiseConv : Op::kConv; }

 private:
  // Counts the activations that one tap meets. top, left: what it sees of the image at output (0,
  // 0).
  void CountTap(int32_t top, int32_t left, const int8_t *image, uint32_t *bins) const;

  ConvSpec spec_;
};

class FullyConnectedLayer : public PrunableLayer {
 public:
  FullyConnectedLayer(int input, int output, FullyConnectedSpec spec);

  int32_t channels() const override { return spec_.outputs; }
  std::size_t histogram_size() const override;
  uint32_t histogram_increment() const override;
  void CountActivations(const Call &call, uint32_t *histogram) const override;

 protected:
  const FullyConnectedSpec &spec() const { return spec_; }

 private:
  FullyConnectedSpec spec_;
};

// kCore runs the C core itself, kVector its bit-exact host form. The functions throw
// std::invalid_argument naming what does not fit.
enum class Kernels { kCore, kVector };
std::unique_ptr<Layer> MakeConv(int input, int output, ConvSpec spec, Kernels kernels);
std::unique_ptr<Layer> MakeFullyConnected(int input, int output, FullyConnectedSpec spec,
                                          Kernels kernels);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_PRUNABLE_H_
