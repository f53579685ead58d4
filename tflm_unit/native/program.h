// A graph as the batch engine runs it: tensors and layers in order of execution.
#ifndef TFLM_UNIT_NATIVE_PROGRAM_H_
#define TFLM_UNIT_NATIVE_PROGRAM_H_

#include <memory>
#include <vector>

#include "layer.h"

namespace tflm_unit {

struct Tensor {
  enum class Role { kUndefined, kInput, kActivation };
  Role role = Role::kUndefined;
  DType dtype = DType::kInt8;
  int64_t elements = 0;

  std::size_t bytes() const {
    return static_cast<std::size_t>(elements) * (dtype == DType::kFloat32 ? sizeof(float) : 1);
  }
};

// Every method throws std::invalid_argument when the graph would not be well-formed, so that what
// has been built can be run without further checks.
class Program {
 public:
  explicit Program(int tensor_count);
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  void AddInput(int index, int64_t elements, DType dtype);
  // Defines the layer's output. The inputs must be defined already.
  void AddLayer(std::unique_ptr<Layer> layer);

  const std::vector<Tensor> &tensors() const { return tensors_; }
  const Tensor &tensor(int index) const;
  const std::vector<std::unique_ptr<Layer>> &layers() const { return layers_; }
  // Null when the layer is not prunable.
  const PrunableLayer *prunable(int layer) const;

  // Runs refer to the program without a lock: nothing can be added after the first.
  void Freeze() { frozen_ = true; }

 private:
  Tensor &Define(int index, Tensor::Role role, int64_t elements, DType dtype);

  std::vector<Tensor> tensors_;
  std::vector<std::unique_ptr<Layer>> layers_;
  bool frozen_ = false;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_PROGRAM_H_
