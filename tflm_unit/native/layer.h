// What the batch engine runs: a layer reads and writes plain buffers, one inference at a time.
#ifndef TFLM_UNIT_NATIVE_LAYER_H_
#define TFLM_UNIT_NATIVE_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "unit_types.h"

namespace tflm_unit {

enum class DType { kInt8, kFloat32 };

// Throws std::invalid_argument, which Python sees as ValueError.
void Require(bool condition, const std::string &message);

// The buffers of one inference by tensor index, and what the calling thread lends to the layer.
struct Call {
  void *const *tensors;
  void *scratch;            // scratch_size() bytes, aligned to kAlignment
  unit_counters *counters;  // of this layer; only prunable layers count

  template <typename T = int8_t>
  const T *input(int tensor) const {
    return static_cast<const T *>(tensors[tensor]);
  }
  template <typename T = int8_t>
  T *output(int tensor) const {
    return static_cast<T *>(tensors[tensor]);
  }
};

constexpr std::size_t kAlignment = 64;

constexpr std::size_t AlignUp(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// One tensor that a layer reads or writes, and what the layer takes it for.
struct Port {
  int tensor;
  int64_t elements;
  DType dtype = DType::kInt8;
};

class Layer {
 public:
  Layer(std::vector<Port> inputs, Port output) : inputs_(std::move(inputs)), output_(output) {}
  virtual ~Layer() = default;
  Layer(const Layer &) = delete;
  Layer &operator=(const Layer &) = delete;

  const std::vector<Port> &inputs() const { return inputs_; }
  const Port &output() const { return output_; }

  virtual std::size_t scratch_size() const { return 0; }
  virtual void Run(const Call &call) const = 0;

 protected:
  const int8_t *input(const Call &call) const { return call.input(inputs_[0].tensor); }
  int8_t *output(const Call &call) const { return call.output(output_.tensor); }

 private:
  std::vector<Port> inputs_;
  Port output_;
};

// Operators around the prunable ones: a call of a core function.
class Operator final : public Layer {
 public:
  using Function = std::function<unit_status(const Call &)>;
  Operator(std::vector<Port> inputs, Port output, Function function)
      : Layer(std::move(inputs), output), function_(std::move(function)) {}
  void Run(const Call &call) const override;

 private:
  Function function_;
};

// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: they count MACs and can count activations.
class PrunableLayer : public Layer {
 public:
  using Layer::Layer;
  virtual int32_t channels() const = 0;

  // How often each tap met each signed activation: [taps][kActivationValues], indexed by
  // x + kMaxActivation.
  static constexpr int32_t kMaxActivation = 255;
  static constexpr int32_t kActivationValues = 2 * kMaxActivation + 1;
  virtual std::size_t histogram_size() const = 0;
  // The most that one inference can add to one bin.
  virtual uint32_t histogram_increment() const = 0;
  virtual void CountActivations(const Call &call, uint32_t *histogram) const = 0;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_LAYER_H_
