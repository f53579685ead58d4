#include "program.h"

#include <string>

#include "checks.h"

namespace tflm_unit {

namespace {

std::string Name(int tensor) { return "tensor " + std::to_string(tensor); }

}  // namespace

Program::Program(int tensor_count) {
  Require(tensor_count >= 0, "a program cannot have " + std::to_string(tensor_count) + " tensors");
  tensors_.resize(static_cast<std::size_t>(tensor_count));
}

Tensor &Program::Define(int index, Tensor::Role role, int64_t elements, DType dtype) {
  Require(!frozen_, "a program that has run cannot change");
  Require(index >= 0 && index < static_cast<int>(tensors_.size()), Name(index) + " does not exist");
  Tensor &tensor = tensors_[static_cast<std::size_t>(index)];
  Require(tensor.role == Tensor::Role::kUndefined, Name(index) + " is written twice");
  CheckRange("elements of " + Name(index), elements, 1, kMaxElements);
  tensor.role = role;
  tensor.elements = elements;
  tensor.dtype = dtype;
  return tensor;
}

void Program::AddInput(int index, int64_t elements, DType dtype) {
  Define(index, Tensor::Role::kInput, elements, dtype);
}

void Program::AddLayer(std::unique_ptr<Layer> layer) {
  for (const Port &port : layer->inputs()) {
    const Tensor &input = tensor(port.tensor);
    Require(input.dtype == port.dtype, Name(port.tensor) + " has the wrong type for its reader");
    Require(input.elements == port.elements,
            Name(port.tensor) + " has " + std::to_string(input.elements) +
                " elements, its reader expects " + std::to_string(port.elements));
  }
  const Port &port = layer->output();
  Define(port.tensor, Tensor::Role::kActivation, port.elements, port.dtype);
  layers_.push_back(std::move(layer));
}

const Tensor &Program::tensor(int index) const {
  Require(index >= 0 && index < static_cast<int>(tensors_.size()) &&
              tensors_[static_cast<std::size_t>(index)].role != Tensor::Role::kUndefined,
          Name(index) + " is not computed before it is used");
  return tensors_[static_cast<std::size_t>(index)];
}

const PrunableLayer *Program::prunable(int layer) const {
  Require(layer >= 0 && layer < static_cast<int>(layers_.size()),
          "layer " + std::to_string(layer) + " does not exist");
  return dynamic_cast<const PrunableLayer *>(layers_[static_cast<std::size_t>(layer)].get());
}

}  // namespace tflm_unit
