// Program.add_conv, add_fully_connected; Pruning; cutoffs and quotients.
#include <nanobind/stl/optional.h>

#include <memory>
#include <optional>
#include <utility>

#include "bindings.h"
#include "prunable.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace tflm_unit {

namespace {

template <typename T>
std::vector<T> ToVectorOrEmpty(const std::optional<Array<const T>> &array) {
  return array ? ToVector(*array) : std::vector<T>();
}

void InitPruning(Pruning *self, const Array<const int16_t> &thresholds, int32_t group_size,
                 int divider, int32_t fatrelu_min,
                 const std::optional<Array<const int32_t>> &compensation,
                 const std::optional<Array<const uint8_t>> &tree,
                 const std::optional<Array<const uint8_t>> &table,
                 const std::optional<Array<const uint16_t>> &table_row) {
  Require(divider >= 0 && divider < UNIT_DIVIDER_COUNT, "divider: unknown");
  new (self) Pruning{ToVector(thresholds),
                     group_size,
                     static_cast<unit_divider>(divider),
                     ToVectorOrEmpty(compensation),
                     fatrelu_min,
                     ToVectorOrEmpty(tree),
                     ToVectorOrEmpty(table),
                     ToVectorOrEmpty(table_row)};
}

struct OperandArguments {
  const Array<const int8_t> &weights;
  const std::optional<Array<const int32_t>> &bias;
  const Array<const int32_t> &multiplier;
  const Array<const int32_t> &shift;
  int32_t input_offset;
  int32_t output_offset;
  const Range &range;
  Schedule schedule;
  const std::optional<Pruning> &pruning;
};

Operands ToOperands(const OperandArguments &arguments) {
  Require(arguments.pruning.has_value() == (arguments.schedule == Schedule::kCompare),
          "the compare schedule, and only it, takes a pruning");
  Operands operands;
  operands.weights = ToVector(arguments.weights);
  operands.bias = ToVectorOrEmpty(arguments.bias);
  operands.multiplier = ToVector(arguments.multiplier);
  operands.shift = ToVector(arguments.shift);
  operands.input_offset = arguments.input_offset;
  operands.output_offset = arguments.output_offset;
  operands.activation = ToActivation(arguments.range);
  operands.schedule = arguments.schedule;
  if (arguments.pruning) {
    operands.pruning = *arguments.pruning;
    operands.activation.fatrelu_min = arguments.pruning->fatrelu_min;
  }
  return operands;
}

void AddConv(Program &program, int input, int output, const Array<const int8_t> &weights,
             const std::optional<Array<const int32_t>> &bias,
             const Array<const int32_t> &multiplier, const Array<const int32_t> &shift,
             int32_t input_offset, int32_t output_offset, const Range &range, Schedule schedule,
             const std::optional<Pruning> &pruning, Kernels kernels, bool depthwise,
             const Dims &input_dims, const Dims &filter_dims, const Dims &output_dims,
             const Tile &stride, const Tile &padding, const Tile &dilation) {
  ConvSpec spec;
  spec.operands = ToOperands(
      {weights, bias, multiplier, shift, input_offset, output_offset, range, schedule, pruning});
  spec.depthwise = depthwise;
  spec.input = ToDims(input_dims);
  spec.filter = ToDims(filter_dims);
  spec.output = ToDims(output_dims);
  spec.stride = ToTile(stride);
  spec.padding = ToTile(padding);
  spec.dilation = ToTile(dilation);
  program.AddLayer(MakeConv(input, output, std::move(spec), kernels));
}

void AddFullyConnected(Program &program, int input, int output, const Array<const int8_t> &weights,
                       const std::optional<Array<const int32_t>> &bias,
                       const Array<const int32_t> &multiplier, const Array<const int32_t> &shift,
                       int32_t input_offset, int32_t output_offset, const Range &range,
                       Schedule schedule, const std::optional<Pruning> &pruning, Kernels kernels,
                       int32_t rows, int32_t inputs, int32_t outputs) {
  FullyConnectedSpec spec;
  spec.operands = ToOperands(
      {weights, bias, multiplier, shift, input_offset, output_offset, range, schedule, pruning});
  spec.rows = rows;
  spec.inputs = inputs;
  spec.outputs = outputs;
  program.AddLayer(MakeFullyConnected(input, output, std::move(spec), kernels));
}

// A new NumPy array that owns a copy of the values.
template <typename T>
nb::ndarray<nb::numpy, T> ToArray(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  T *data = owned->data();
  const nb::capsule owner(owned.release(),
                          [](void *p) noexcept { delete static_cast<std::vector<T> *>(p); });
  return nb::ndarray<nb::numpy, T>(data, shape, owner);
}

nb::ndarray<nb::numpy, int16_t> CutoffsOf(Op op, const Array<const int8_t> &weights,
                                          int32_t channels, const Pruning &pruning) {
  Require(channels >= 1 && weights.size() % static_cast<std::size_t>(channels) == 0,
          "weights do not divide into output channels");
  pruning.Validate(channels);
  return ToArray(Cutoffs(op, ToVector(weights), channels, pruning), {weights.size()});
}

nb::ndarray<nb::numpy, uint8_t> QuotientsOf(const Array<const int16_t> &thresholds) {
  std::vector<uint8_t> rows(thresholds.size() * UNIT_TABLE_ROW);
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const int16_t threshold = thresholds.data()[i];
    Require(threshold >= 0 && threshold <= UNIT_MAX_THRESHOLD,
            "thresholds: " + std::to_string(threshold) + " is not in 0..32385");
    Quotients(threshold, &rows[i * UNIT_TABLE_ROW]);
  }
  return ToArray(std::move(rows), {thresholds.size(), UNIT_TABLE_ROW});
}

}  // namespace

void BindPrunable(nb::module_ &module, nb::class_<Program> &program) {
  nb::enum_<Op>(module, "Op")
      .value("CONV_2D", Op::kConv)
      .value("DEPTHWISE_CONV_2D", Op::kDepthwiseConv)
      .value("FULLY_CONNECTED", Op::kFullyConnected);
  nb::enum_<Schedule>(module, "Schedule")
      .value("dense", Schedule::kDense)
      .value("zero_skip", Schedule::kZeroSkip)
      .value("compare", Schedule::kCompare);
  nb::enum_<Kernels>(module, "Kernels")
      .value("core", Kernels::kCore)
      .value("vector", Kernels::kVector);
  nb::class_<Pruning>(module, "Pruning")
      .def("__init__", InitPruning, "thresholds"_a, "group_size"_a, "divider"_a, "fatrelu_min"_a,
           "compensation"_a.none(), "tree"_a.none(), "table"_a.none(), "table_row"_a.none());
  program
      .def("add_conv", AddConv, "input"_a, "output"_a, "weights"_a, "bias"_a.none(), "multiplier"_a,
           "shift"_a, "input_offset"_a, "output_offset"_a, "range"_a, "schedule"_a,
           "pruning"_a.none(), "kernels"_a, "depthwise"_a, "input_dims"_a, "filter_dims"_a,
           "output_dims"_a, "stride"_a, "padding"_a, "dilation"_a)
      .def("add_fully_connected", AddFullyConnected, "input"_a, "output"_a, "weights"_a,
           "bias"_a.none(), "multiplier"_a, "shift"_a, "input_offset"_a, "output_offset"_a,
           "range"_a, "schedule"_a, "pruning"_a.none(), "kernels"_a, "rows"_a, "inputs"_a,
           "outputs"_a);
  module.def("cutoffs", CutoffsOf, "op"_a, "weights"_a, "channels"_a, "pruning"_a);
  module.def("quotients", QuotientsOf, "thresholds"_a);
}

}  // namespace tflm_unit
