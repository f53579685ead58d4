#include "checks.h"

namespace tflm_unit {

namespace {

// Keeps every sum of a few coordinates far from the limits of int32.
constexpr int64_t kMaxCoordinate = 1 << 28;

void CheckAxis(const char *axis, int64_t filter, int64_t output, int64_t stride, int64_t padding,
               int64_t dilation) {
  const std::string of = std::string(" of the ") + axis;
  CheckRange("stride" + of, stride, 1, kMaxCoordinate);
  CheckRange("dilation" + of, dilation, 1, kMaxCoordinate);
  CheckRange("padding" + of, padding, 0, kMaxCoordinate);
  CheckRange("reach" + of, (output - 1) * stride + (filter - 1) * dilation, 0, kMaxCoordinate);
}

}  // namespace

void CheckRange(const std::string &name, int64_t value, int64_t min, int64_t max) {
  Require(value >= min && value <= max, name + ": " + std::to_string(value) + " is not in " +
                                            std::to_string(min) + ".." + std::to_string(max));
}

void CheckDims(const unit_dims &dims) {
  int64_t product = 1;
  for (const int32_t size : {dims.n, dims.h, dims.w, dims.c}) {
    CheckRange("dimension", size, 1, kMaxElements);
    product *= size;
    CheckRange("size", product, 1, kMaxElements);
  }
}

void CheckActivation(const unit_activation &activation) {
  CheckRange("activation minimum", activation.min, INT8_MIN, INT8_MAX);
  CheckRange("activation maximum", activation.max, activation.min, INT8_MAX);
  CheckRange("fatrelu_min", activation.fatrelu_min, INT8_MIN, INT8_MAX);
}

void CheckRequantization(int32_t multiplier, int32_t shift) {
  CheckRange("multiplier", multiplier, 0, INT32_MAX);
  CheckRange("shift", shift, -31, 30);
}

void CheckWindow(const unit_dims &input, const unit_dims &filter, const unit_dims &output,
                 const unit_tile &stride, const unit_tile &padding, const unit_tile &dilation) {
  Require(input.n == output.n, "input and output differ in batch size");
  CheckAxis("height", filter.h, output.h, stride.h, padding.h, dilation.h);
  CheckAxis("width", filter.w, output.w, stride.w, padding.w, dilation.w);
  CheckRange("dilation in elements", int64_t{dilation.h} * input.w * input.c, 1, INT32_MAX);
  CheckRange("dilation in elements", int64_t{dilation.w} * input.c, 1, INT32_MAX);
}

}  // namespace tflm_unit
