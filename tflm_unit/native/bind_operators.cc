// Program.add_...: the operators around the prunable ones.
#include <nanobind/stl/vector.h>

#include <cmath>
#include <memory>
#include <utility>

#include "bindings.h"
#include "checks.h"
#include "unit_functions.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace tflm_unit {

namespace {

constexpr int32_t kMaxPoolFilter = 1 << 16;
constexpr int32_t kMaxAddShift = 22;  // (value + offset) << shift fits int32
constexpr int32_t kMaxMean = INT32_MAX / 255;

void Add(Program &program, std::vector<Port> inputs, Port output, Operator::Function function) {
  program.AddLayer(std::make_unique<Operator>(std::move(inputs), output, std::move(function)));
}

void CheckOffsets(int32_t input_offset, int32_t output_offset) {
  CheckRange("input offset", input_offset, -127, 128);
  CheckRange("output offset", output_offset, INT8_MIN, INT8_MAX);
}

// A pooling window that lies in the padding altogether has neither maximum nor mean.
void CheckPoolAxis(int32_t input, int32_t filter, int32_t output, int32_t stride, int32_t padding) {
  CheckRange("filter size", filter, 1, kMaxPoolFilter);
  Require(padding < filter && (output - 1) * stride - padding < input,
          "a pooling window lies outside the image");
}

void AddPool(Program &program, int input, int output, const Dims &input_dims,
             const Dims &output_dims, const Tile &filter, const Tile &stride, const Tile &padding,
             const Range &range, bool average) {
  const unit_dims in = ToDims(input_dims), out = ToDims(output_dims);
  const unit_dims window = {1, filter[0], filter[1], 1};
  const unit_pool_params params = {ToTile(stride), ToTile(padding), ToActivation(range)};
  CheckDims(in);
  CheckDims(out);
  CheckDims(window);
  Require(in.c == out.c, "input and output differ in channels");
  CheckWindow(in, window, out, params.stride, params.padding, {1, 1});
  CheckPoolAxis(in.h, window.h, out.h, params.stride.h, params.padding.h);
  CheckPoolAxis(in.w, window.w, out.w, params.stride.w, params.padding.w);
  CheckRange("image", int64_t{in.h} * in.w, 1, kMaxMean);
  CheckActivation(params.activation);
  Add(program, {{input, Elements(in)}}, {output, Elements(out)}, [=](const Call &call) {
    const auto pool = average ? unit_avg_pool_s8 : unit_max_pool_s8;
    return pool(&params, &in, call.input(input), &window, &out, call.output(output));
  });
}

void AddAdd(Program &program, int input1, int input2, int output, int32_t size,
            const std::array<int32_t, 3> &requant1, const std::array<int32_t, 3> &requant2,
            int32_t left_shift, const std::array<int32_t, 3> &requant_out, const Range &range) {
  const unit_add_params params = {
      requant1[0], requant1[1],    requant1[2],    requant2[0],    requant2[1],        requant2[2],
      left_shift,  requant_out[0], requant_out[1], requant_out[2], ToActivation(range)};
  CheckOffsets(params.input1_offset, params.output_offset);
  CheckOffsets(params.input2_offset, params.output_offset);
  CheckRange("left shift", left_shift, 0, kMaxAddShift);
  CheckRequantization(params.input1_multiplier, params.input1_shift);
  CheckRequantization(params.input2_multiplier, params.input2_shift);
  CheckRequantization(params.output_multiplier, params.output_shift);
  CheckActivation(params.activation);
  Add(program, {{input1, size}, {input2, size}}, {output, size}, [=](const Call &call) {
    return unit_add_s8(&params, call.input(input1), call.input(input2), size, call.output(output));
  });
}

void AddPad(Program &program, int input, int output, const Dims &input_dims, const Dims &before,
            const Dims &after, int32_t value) {
  const unit_dims in = ToDims(input_dims), pre = ToDims(before), post = ToDims(after);
  CheckDims(in);
  unit_dims out = in;
  for (const auto dim : {&unit_dims::n, &unit_dims::h, &unit_dims::w, &unit_dims::c}) {
    CheckRange("padding", pre.*dim, 0, INT32_MAX);
    CheckRange("padding", post.*dim, 0, INT32_MAX);
    const int64_t size = int64_t{pre.*dim} + in.*dim + post.*dim;
    CheckRange("padded dimension", size, 1, INT32_MAX);
    out.*dim = static_cast<int32_t>(size);
  }
  CheckDims(out);
  CheckRange("padding value", value, INT8_MIN, INT8_MAX);
  Add(program, {{input, Elements(in)}}, {output, Elements(out)}, [=](const Call &call) {
    return unit_pad_s8(&pre, &post, static_cast<int8_t>(value), &in, call.input(input),
                       call.output(output));
  });
}

void AddMean(Program &program, int input, int output, int32_t outer, int32_t reduced, int32_t inner,
             int32_t input_offset, int32_t output_offset, int32_t multiplier, int32_t shift) {
  const unit_dims in = {outer, reduced, inner, 1};
  CheckDims(in);
  CheckRange("number of averaged values", reduced, 1, kMaxMean);
  CheckOffsets(input_offset, output_offset);
  CheckRequantization(multiplier, shift);
  const unit_requant_params params = {input_offset, output_offset, multiplier, shift};
  const Port to = {output, int64_t{outer} * inner};
  Add(program, {{input, Elements(in)}}, to, [=](const Call &call) {
    return unit_mean_s8(&params, outer, reduced, inner, call.input(input), call.output(output));
  });
}

void AddSoftmax(Program &program, int input, int output, int32_t rows, int32_t row_size,
                int32_t multiplier, int32_t shift, int32_t diff_min) {
  const unit_dims in = {rows, row_size, 1, 1};
  CheckDims(in);
  CheckRequantization(multiplier, shift);
  CheckRange("diff_min", diff_min, INT32_MIN, 0);
  Add(program, {{input, Elements(in)}}, {output, Elements(in)}, [=](const Call &call) {
    return unit_softmax_s8(call.input(input), rows, row_size, multiplier, shift, diff_min,
                           call.output(output));
  });
}

void AddRequantize(Program &program, int input, int output, int32_t size, int32_t input_offset,
                   int32_t output_offset, int32_t multiplier, int32_t shift, const Range &range) {
  const unit_requant_params params = {input_offset, output_offset, multiplier, shift};
  const unit_activation activation = ToActivation(range);
  CheckOffsets(input_offset, output_offset);
  CheckRequantization(multiplier, shift);
  CheckActivation(activation);
  Add(program, {{input, size}}, {output, size}, [=](const Call &call) {
    return unit_requantize_s8(&params, &activation, call.input(input), size, call.output(output));
  });
}

void CheckScale(float scale, int32_t zero_point) {
  Require(std::isfinite(scale) && scale > 0, "scale: not a positive number");
  CheckRange("zero point", zero_point, INT8_MIN, INT8_MAX);
}

void AddQuantize(Program &program, int input, int output, int32_t size, float scale,
                 int32_t zero_point) {
  CheckScale(scale, zero_point);
  Add(program, {{input, size, DType::kFloat32}}, {output, size}, [=](const Call &call) {
    return unit_quantize_f32_s8(scale, zero_point, call.input<float>(input), size,
                                call.output(output));
  });
}

void AddDequantize(Program &program, int input, int output, int32_t size, float scale,
                   int32_t zero_point) {
  CheckScale(scale, zero_point);
  Add(program, {{input, size}}, {output, size, DType::kFloat32}, [=](const Call &call) {
    return unit_dequantize_s8_f32(scale, zero_point, call.input(input), size,
                                  call.output<float>(output));
  });
}

void AddConcatenation(Program &program, const std::vector<int> &inputs, int output, int32_t outer,
                      const std::vector<int32_t> &inner) {
  Require(inputs.size() == inner.size(), "one row length per input expected");
  std::vector<Port> ports;
  int64_t row = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CheckDims({outer, inner[i], 1, 1});
    ports.push_back({inputs[i], int64_t{outer} * inner[i]});
    row += inner[i];
    CheckRange("row length", row, 1, INT32_MAX);
  }
  const auto row_size = static_cast<int32_t>(row);
  Add(program, std::move(ports), {output, int64_t{outer} * row}, [=](const Call &call) {
    int32_t column = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      unit_concatenation_s8(call.input(inputs[i]), outer, inner[i], column, row_size,
                            call.output(output));
      column += inner[i];
    }
    return UNIT_SUCCESS;
  });
}

void AddCopy(Program &program, int input, int output, int32_t size) {
  Add(program, {{input, size}}, {output, size}, [=](const Call &call) {
    return unit_concatenation_s8(call.input(input), 1, size, 0, size, call.output(output));
  });
}

}  // namespace

void BindOperators(nb::class_<Program> &program) {
  program
      .def("add_pool", AddPool, "input"_a, "output"_a, "input_dims"_a, "output_dims"_a, "filter"_a,
           "stride"_a, "padding"_a, "range"_a, "average"_a)
      .def("add_add", AddAdd, "input1"_a, "input2"_a, "output"_a, "size"_a, "requant1"_a,
           "requant2"_a, "left_shift"_a, "requant_out"_a, "range"_a)
      .def("add_pad", AddPad, "input"_a, "output"_a, "input_dims"_a, "before"_a, "after"_a,
           "value"_a)
      .def("add_mean", AddMean, "input"_a, "output"_a, "outer"_a, "reduced"_a, "inner"_a,
           "input_offset"_a, "output_offset"_a, "multiplier"_a, "shift"_a)
      .def("add_softmax", AddSoftmax, "input"_a, "output"_a, "rows"_a, "row_size"_a, "multiplier"_a,
           "shift"_a, "diff_min"_a)
      .def("add_requantize", AddRequantize, "input"_a, "output"_a, "size"_a, "input_offset"_a,
           "output_offset"_a, "multiplier"_a, "shift"_a, "range"_a)
      .def("add_quantize", AddQuantize, "input"_a, "output"_a, "size"_a, "scale"_a, "zero_point"_a)
      .def("add_dequantize", AddDequantize, "input"_a, "output"_a, "size"_a, "scale"_a,
           "zero_point"_a)
      .def("add_concatenation", AddConcatenation, "inputs"_a, "output"_a, "outer"_a, "inner"_a)
      .def("add_copy", AddCopy, "input"_a, "output"_a, "size"_a);
}

}  // namespace tflm_unit
