// tflm_unit._native: the batch engine and the arithmetic that the converter needs of the core.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "bindings.h"
#include "runner.h"
#include "unit_version.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace tflm_unit {

namespace {

// How often a run looks for Ctrl-C and reports its progress.
constexpr std::chrono::milliseconds kPollInterval{50};

using AnyArray = nb::ndarray<nb::c_contig, nb::device::cpu>;
using AnyConstArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

// Throws unless the array holds `count` inferences of the tensor.
template <typename ArrayType>
void CheckBatch(const Program &program, int index, const ArrayType &array, int64_t count) {
  const Tensor &tensor = program.tensor(index);
  const bool is_float = tensor.dtype == DType::kFloat32;
  const std::string name = "array of tensor " + std::to_string(index);
  Require(array.dtype() == (is_float ? nb::dtype<float>() : nb::dtype<int8_t>()),
          name + " has the wrong type");
  Require(static_cast<int64_t>(array.size()) == tensor.elements * count,
          name + " does not hold " + std::to_string(count) + " inferences");
  Require(reinterpret_cast<std::uintptr_t>(array.data()) % (is_float ? alignof(float) : 1) == 0,
          name + " is not aligned");
}

RunRequest ToRequest(const Program &program, int64_t count, int layers, int threads,
                     bool skipped_sums, const std::vector<std::pair<int, AnyConstArray>> &inputs,
                     const std::vector<std::pair<int, AnyArray>> &outputs,
                     const std::vector<std::pair<int, Array<uint64_t>>> &histograms) {
  Require(count >= 0, "the number of inferences is negative");
  RunRequest request;
  request.count = count;
  request.layer_count = layers;
  request.threads = threads;
  request.skipped_sums = skipped_sums;
  for (const auto &[tensor, array] : inputs) {
    CheckBatch(program, tensor, array, count);
    request.inputs.push_back({tensor, const_cast<void *>(array.data())});  // only read
  }
  for (const auto &[tensor, array] : outputs) {
    CheckBatch(program, tensor, array, count);
    request.outputs.push_back({tensor, array.data()});
  }
  for (const auto &[layer, array] : histograms) {
    const PrunableLayer *prunable = program.prunable(layer);
    Require(prunable != nullptr && array.size() == prunable->histogram_size(),
            "the histogram array does not fit layer " + std::to_string(layer));
    request.histograms.push_back({layer, array.data()});
  }
  return request;
}

void Wait(Runner &runner, int64_t count, const nb::object &progress) {
  const nb::gil_scoped_release release;
  for (bool ended = false; !ended;) {
    ended = runner.WaitFor(kPollInterval);
    const nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!progress.is_none()) progress(runner.done(), count);
  }
}

// Per prunable layer that ran: index, macs_total, macs_zero, macs_skipped, skipped sums.
nb::list Run(Program &program, int64_t count, int layers, int threads, bool skipped_sums,
             const std::vector<std::pair<int, AnyConstArray>> &inputs,
             const std::vector<std::pair<int, AnyArray>> &outputs,
             const std::vector<std::pair<int, Array<uint64_t>>> &histograms,
             const nb::object &progress) {
  program.Freeze();
  Runner runner(program, ToRequest(program, count, layers, threads, skipped_sums, inputs, outputs,
                                   histograms));
  Wait(runner, count, progress);
  nb::list result;
  for (const LayerCounters &layer : runner.Finish()) {
    nb::list sums;
    for (const int64_t sum : layer.skipped_sum) sums.append(sum);
    result.append(
        nb::make_tuple(layer.layer, layer.macs_total, layer.macs_zero, layer.macs_skipped, sums));
  }
  return result;
}

}  // namespace

}  // namespace tflm_unit

NB_MODULE(_native, module) {
  module.attr("VERSION") = UNIT_VERSION;
  using namespace tflm_unit;
  nb::class_<Program> program(module, "Program");
  program.def(nb::init<int>(), "tensors"_a)
      .def(
          "add_input",
          [](Program &self, int index, int64_t elements, bool is_float) {
            self.AddInput(index, elements, is_float ? DType::kFloat32 : DType::kInt8);
          },
          "index"_a, "elements"_a, "is_float"_a);
  BindPrunable(module, program);
  BindOperators(program);
  program.def("run", Run, "count"_a, "layers"_a, "threads"_a, "skipped_sums"_a, "inputs"_a,
              "outputs"_a, "histograms"_a, "progress"_a.none());
}
