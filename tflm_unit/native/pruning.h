// Thresholds of one layer, and their form that needs no divider at run time.
#ifndef TFLM_UNIT_NATIVE_PRUNING_H_
#define TFLM_UNIT_NATIVE_PRUNING_H_

#include <cstdint>
#include <vector>

#include "unit_types.h"

namespace tflm_unit {

enum class Op { kConv, kDepthwiseConv, kFullyConnected };
enum class Schedule { kDense, kZeroSkip, kCompare };

// Owns what unit_prune_params points to. Validate() before use.
struct Pruning {
  std::vector<int16_t> threshold;
  int32_t group_size = 1;
  unit_divider divider = UNIT_DIVIDER_EXACT;
  std::vector<int32_t> compensation;
  int32_t fatrelu_min = UNIT_FATRELU_OFF;
  std::vector<uint8_t> tree;
  std::vector<uint8_t> table;
  std::vector<uint16_t> table_row;

  // One threshold for the whole layer.
  static Pruning Uniform(int16_t threshold, int32_t channels);

  unit_prune_params params() const;

  // Whether a threshold is not UNIT_NEVER_SKIP.
  bool skips() const;

  // Throws std::invalid_argument naming the field unless the kernels can run this on a layer of
  // `channels` output channels. That tree and table hold the right values is up to the caller.
  void Validate(int32_t channels) const;
};

// The predicate as one comparison: the skipped activations are exactly those with |x| <= cutoff,
// because no divider's quotient grows with the control term. One per weight, -1 (none) .. 255.
std::vector<int16_t> Cutoffs(Op op, const std::vector<int8_t> &weights, int32_t channels,
                             const Pruning &pruning);

// floor(threshold / c) clipped to 255 for c = 0..255; 255 at c = 0: a row of the table divider.
void Quotients(int16_t threshold, uint8_t *row);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_PRUNING_H_
