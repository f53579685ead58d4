// The prunable layers on the C core itself.
#ifndef TFLM_UNIT_NATIVE_CORE_LAYERS_H_
#define TFLM_UNIT_NATIVE_CORE_LAYERS_H_

#include "prunable.h"

namespace tflm_unit {

class CoreConv final : public ConvLayer {
 public:
  using ConvLayer::ConvLayer;
  std::size_t scratch_size() const override;
  void Run(const Call &call) const override;

 private:
  unit_status RunConv(const unit_context &ctx, const Call &call) const;
  unit_status RunDepthwise(const unit_context &ctx, const Call &call) const;
};

class CoreFullyConnected final : public FullyConnectedLayer {
 public:
  using FullyConnectedLayer::FullyConnectedLayer;
  std::size_t scratch_size() const override;
  void Run(const Call &call) const override;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_CORE_LAYERS_H_
