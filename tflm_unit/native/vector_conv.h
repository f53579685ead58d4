// CONV_2D and DEPTHWISE_CONV_2D, vectorised over output positions.
//
// Both are a grouped convolution. The image is widened to one int16 plane per input channel with
// the padding around it; for a block of output positions the taps of a group become rows of
// `Columns`, which serve all output channels of the group. What the padding adds to counters does
// not depend on the data and is taken off at the end.
#ifndef TFLM_UNIT_NATIVE_VECTOR_CONV_H_
#define TFLM_UNIT_NATIVE_VECTOR_CONV_H_

#include <vector>

#include "prunable.h"
#include "vector_kernels.h"

namespace tflm_unit {

class VectorConv final : public ConvLayer {
 public:
  // Whether accumulators cannot overflow and the planes take a reasonable amount of memory.
  static bool Fits(const ConvSpec &spec);
  VectorConv(int input, int output, ConvSpec spec);

  std::size_t scratch_size() const override { return scratch_.size; }
  void Run(const Call &call) const override;

 private:
  // Where the parts of the scratch memory begin, in bytes.
  struct Scratch {
    std::size_t planes, columns, sums, kept, tap_sums, size;
  };
  struct Buffers {
    int16_t *planes, *columns;
    int32_t *sums;
    uint16_t *kept;
    int64_t *tap_sums;
  };
  // What the kernels count, padding included.
  struct Counts {
    int64_t zero = 0;
    int64_t kept = 0;
  };
  // Output positions in row-major order; whole rows unless `direct_`.
  struct Block {
    int32_t first, size;
  };

  void LayOutWeights();
  void CountConstants();
  void LayOutScratch();
  Buffers BuffersIn(void *scratch) const;

  void FillPlanes(const int8_t *image, int16_t *planes) const;
  Columns GroupColumns(int32_t group, const Block &block, const Buffers &buffers) const;
  void CountInputs(const Columns &columns, int32_t group, const Buffers &buffers,
                   const unit_counters &counters, Counts *counts) const;
  void RunChannel(const Columns &columns, int32_t channel, const Block &block, int8_t *out,
                  const Buffers &buffers, unit_counters *counters, Counts *counts) const;

  int32_t depth_;  // input channels per group
  int32_t groups_;
  int32_t channels_per_group_;  // output channels per group
  int32_t taps_;                // per group: kernel positions times depth_
  bool direct_;                 // 1x1 without stride or padding: the planes are the columns
  bool prunes_;                 // a threshold is not UNIT_NEVER_SKIP
  int32_t plane_width_, plane_size_;
  int32_t block_;  // positions per block; the last may be smaller
  Scratch scratch_;

  std::vector<int16_t> weights_, cutoffs_;  // [output channels][taps_]
  std::vector<unit_output> outputs_;        // [output channels]
  std::vector<int32_t> nonzero_;            // [groups][taps]: weights that are not zero
  int64_t macs_total_ = 0;                  // of one image
  int64_t constant_zero_ = 0;               // zero products of one image less those in Counts
  int64_t kept_padding_ = 0;                // padding in Counts::kept of one image
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_VECTOR_CONV_H_
