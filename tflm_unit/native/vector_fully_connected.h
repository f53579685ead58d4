// FULLY_CONNECTED, vectorised over inputs.
#ifndef TFLM_UNIT_NATIVE_VECTOR_FULLY_CONNECTED_H_
#define TFLM_UNIT_NATIVE_VECTOR_FULLY_CONNECTED_H_

#include <vector>

#include "prunable.h"
#include "vector_kernels.h"

namespace tflm_unit {

class VectorFullyConnected final : public FullyConnectedLayer {
 public:
  // Whether accumulators cannot overflow.
  static bool Fits(const FullyConnectedSpec &spec) { return spec.inputs <= kMaxTaps; }
  VectorFullyConnected(int input, int output, FullyConnectedSpec spec);

  std::size_t scratch_size() const override;
  void Run(const Call &call) const override;

 private:
  void RunRow(const int16_t *x, int8_t *out, unit_counters *counters) const;
  // The sum of output `channel`; *kept grows by the MACs that were not skipped.
  int32_t Output(const int16_t *x, int32_t channel, unit_counters *counters, uint64_t *kept) const;

  int32_t padded_;  // inputs, padded to kLanes with products that are never kept
  bool prunes_;     // a threshold is not UNIT_NEVER_SKIP
  std::vector<int16_t> weights_, cutoffs_;  // [outputs][padded_]
  std::vector<unit_output> outputs_;        // [outputs]
  std::vector<int32_t> nonzero_;            // [padded_]: weights of each input that are not zero
  int64_t nonzero_total_ = 0;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_VECTOR_FULLY_CONNECTED_H_
