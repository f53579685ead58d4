// Checks of what Python hands over; each throws std::invalid_argument naming the value.
#ifndef TFLM_UNIT_NATIVE_CHECKS_H_
#define TFLM_UNIT_NATIVE_CHECKS_H_

#include <cstdint>
#include <string>

#include "layer.h"
#include "unit_types.h"

namespace tflm_unit {

inline int64_t Elements(const unit_dims &dims) {
  return int64_t{dims.n} * dims.h * dims.w * dims.c;
}

// Of a tensor; far beyond any microcontroller, and sums of two such indices still fit int32.
constexpr int64_t kMaxElements = int64_t{1} << 30;

void CheckRange(const std::string &name, int64_t value, int64_t min, int64_t max);

// Sizes of at least 1 whose product is at most kMaxElements.
void CheckDims(const unit_dims &dims);

void CheckActivation(const unit_activation &activation);
void CheckRequantization(int32_t multiplier, int32_t shift);

// A sliding window: positive strides and dilations, no negative padding, one batch, and coordinates
// and steps that fit int32.
void CheckWindow(const unit_dims &input, const unit_dims &filter, const unit_dims &output,
                 const unit_tile &stride, const unit_tile &padding, const unit_tile &dilation);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_CHECKS_H_
