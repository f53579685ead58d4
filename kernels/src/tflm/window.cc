#include "tflm/window.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

bool IsCountable(const unit_dims &input, const unit_dims &filter, const unit_dims &output,
                 const unit_tile &stride, const unit_tile &dilation) {
  // float, because the dimensions come from a file.
  const float rows = static_cast<float>(input.h) + static_cast<float>(output.h) +
                     static_cast<float>(filter.h) * static_cast<float>(dilation.h);
  const float columns = static_cast<float>(input.w) + static_cast<float>(output.w) +
                        static_cast<float>(filter.w) * static_cast<float>(dilation.w);
  const float planes =
      static_cast<float>(input.c) * static_cast<float>(filter.h) * static_cast<float>(filter.w) +
      static_cast<float>(output.c);
  return input.h <= INT16_MAX && input.w <= INT16_MAX && input.c <= INT16_MAX &&
         stride.h <= INT16_MAX && stride.w <= INT16_MAX &&
         planes * (4.0f * rows * columns + 2048.0f) < 2.0e9f;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
