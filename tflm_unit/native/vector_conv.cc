#include "vector_conv.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tflm_unit {

namespace {

// Columns of a block should stay in the first-level cache, but be long enough for the loops.
constexpr int64_t kBlockBytes = 32 * 1024;
constexpr int64_t kMinBlock = 64, kMaxBlock = 1024;
constexpr int64_t kMaxPlaneBytes = int64_t{1} << 28;

struct PlaneSize {
  int64_t width, height;
};

// The image with its padding, and as far as the last window reaches.
PlaneSize PaddedImage(const ConvSpec &s) {
  const auto axis = [](int64_t input, int64_t padding, int64_t output, int64_t stride,
                       int64_t filter, int64_t dilation) {
    return std::max(padding + input, (output - 1) * stride + (filter - 1) * dilation + 1);
  };
  return {axis(s.input.w, s.padding.w, s.output.w, s.stride.w, s.filter.w, s.dilation.w),
          axis(s.input.h, s.padding.h, s.output.h, s.stride.h, s.filter.h, s.dilation.h)};
}

int32_t GroupDepth(const ConvSpec &s) { return s.depthwise ? 1 : s.filter.c; }

// How many output coordinates of one axis have a tap inside the image.
int64_t InsideImage(int32_t tap, int32_t outputs, int32_t stride, int32_t padding, int32_t dilation,
                    int32_t size) {
  int64_t count = 0;
  for (int32_t o = 0; o < outputs; ++o) {
    const int32_t at = o * stride - padding + tap * dilation;
    count += at >= 0 && at < size;
  }
  return count;
}

}  // namespace

bool VectorConv::Fits(const ConvSpec &spec) {
  const PlaneSize plane = PaddedImage(spec);
  const int64_t taps = int64_t{spec.filter.h} * spec.filter.w * GroupDepth(spec);
  return taps <= kMaxTaps && plane.width <= kMaxPlaneBytes && plane.height <= kMaxPlaneBytes &&
         plane.width * plane.height <= kMaxPlaneBytes / 2 / spec.input.c &&
         taps * (spec.output.w + kMinBlock) <= kMaxPlaneBytes / 2;
}

VectorConv::VectorConv(int input, int output, ConvSpec conv)
    : ConvLayer(input, output, std::move(conv)) {
  const ConvSpec &s = spec();
  depth_ = GroupDepth(s);
  groups_ = s.input.c / depth_;
  channels_per_group_ = s.output.c / groups_;
  taps_ = s.filter.h * s.filter.w * depth_;
  const PlaneSize plane = PaddedImage(s);
  direct_ = s.filter.h == 1 && s.filter.w == 1 && s.stride.h == 1 && s.stride.w == 1 &&
            plane.width == s.output.w && plane.height == s.output.h && s.padding.h == 0 &&
            s.padding.w == 0;
  plane_width_ = static_cast<int32_t>(plane.width);
  plane_size_ = PadLanes(static_cast<int32_t>(plane.width * plane.height));
  const auto positions = static_cast<int32_t>(std::clamp(
      kBlockBytes / static_cast<int64_t>(sizeof(int16_t)) / taps_, kMinBlock, kMaxBlock));
  const int32_t rows = std::clamp(positions / s.output.w, 1, s.output.h);
  block_ = direct_ ? PadLanes(positions) : rows * s.output.w;
  LayOutWeights();
  CountConstants();
  LayOutScratch();
}

void VectorConv::LayOutWeights() {
  const ConvSpec &s = spec();
  const Operands &o = s.operands;
  const Pruning pruning = o.effective_pruning(s.output.c);
  const std::vector<int16_t> cutoffs = Cutoffs(op(), o.weights, s.output.c, pruning);
  prunes_ = pruning.skips();
  const unit_quant_params quant = o.quant();
  const int32_t *compensation = pruning.params().compensation;
  for (int32_t channel = 0; channel < s.output.c; ++channel) {
    for (int32_t t = 0; t < taps_; ++t) {
      const auto at =
          static_cast<std::size_t>(s.depthwise ? t * s.output.c + channel : channel * taps_ + t);
      weights_.push_back(o.weights[at]);
      cutoffs_.push_back(cutoffs[at]);
    }
    outputs_.push_back(unit_output_of_channel(&quant, &o.activation, o.output_offset,
                                              o.bias_or_null(), compensation, channel));
  }
}

void VectorConv::CountConstants() {
  const ConvSpec &s = spec();
  int32_t padded_positions = 0;
  for (int32_t p = 0; p < s.positions(); p += block_) {
    padded_positions += PadLanes(std::min(block_, s.positions() - p));
  }
  std::vector<int64_t> inside_image;
  for (int32_t y = 0; y < s.filter.h; ++y) {
    const int64_t rows =
        InsideImage(y, s.output.h, s.stride.h, s.padding.h, s.dilation.h, s.input.h);
    for (int32_t x = 0; x < s.filter.w; ++x) {
      inside_image.push_back(
          rows * InsideImage(x, s.output.w, s.stride.w, s.padding.w, s.dilation.w, s.input.w));
    }
  }
  nonzero_.assign(static_cast<std::size_t>(groups_ * taps_), 0);
  for (int32_t channel = 0; channel < s.output.c; ++channel) {
    const int32_t group = channel / channels_per_group_;
    for (int32_t t = 0; t < taps_; ++t) {
      const auto at = static_cast<std::size_t>(channel * taps_ + t);
      const int64_t inside = inside_image[static_cast<std::size_t>(t / depth_)];
      const int64_t padding = padded_positions - inside;
      macs_total_ += inside;
      constant_zero_ += weights_[at] == 0 ? inside : -padding;
      if (weights_[at] != 0) ++nonzero_[static_cast<std::size_t>(group * taps_ + t)];
      if (cutoffs_[at] < 0) kept_padding_ += padding;
    }
  }
}

void VectorConv::LayOutScratch() {
  const auto place = [this](int64_t elements, std::size_t element_size) {
    const std::size_t at = scratch_.size;
    scratch_.size = AlignUp(at + static_cast<std::size_t>(elements) * element_size);
    return at;
  };
  scratch_.size = 0;
  const int32_t padded = PadLanes(block_);
  scratch_.planes = place(int64_t{spec().input.c} * plane_size_, sizeof(int16_t));
  scratch_.columns = place(direct_ ? 0 : int64_t{taps_} * padded, sizeof(int16_t));
  scratch_.sums = place(padded, sizeof(int32_t));
  scratch_.kept = place(padded, sizeof(uint16_t));
  scratch_.tap_sums = place(taps_, sizeof(int64_t));
}

VectorConv::Buffers VectorConv::BuffersIn(void *scratch) const {
  auto *bytes = static_cast<std::byte *>(scratch);
  return {reinterpret_cast<int16_t *>(bytes + scratch_.planes),
          reinterpret_cast<int16_t *>(bytes + scratch_.columns),
          reinterpret_cast<int32_t *>(bytes + scratch_.sums),
          reinterpret_cast<uint16_t *>(bytes + scratch_.kept),
          reinterpret_cast<int64_t *>(bytes + scratch_.tap_sums)};
}

void VectorConv::Run(const Call &call) const {
  const Buffers buffers = BuffersIn(call.scratch);
  Counts counts;
  FillPlanes(input(call), buffers.planes);
  const int32_t positions = spec().positions();
  for (int32_t position = 0; position < positions; position += block_) {
    const Block block = {position, std::min(block_, positions - position)};
    for (int32_t group = 0; group < groups_; ++group) {
      const Columns columns = GroupColumns(group, block, buffers);
      CountInputs(columns, group, buffers, *call.counters, &counts);
      for (int32_t i = 0; i < channels_per_group_; ++i) {
        RunChannel(columns, group * channels_per_group_ + i, block, output(call), buffers,
                   call.counters, &counts);
      }
    }
  }
  call.counters->macs_total += static_cast<uint64_t>(macs_total_);
  call.counters->macs_zero += static_cast<uint64_t>(constant_zero_ + counts.zero);
  if (!prunes_) return;
  call.counters->macs_skipped += static_cast<uint64_t>(macs_total_ - counts.kept + kept_padding_);
}

void VectorConv::FillPlanes(const int8_t *image, int16_t *planes) const {
  const ConvSpec &s = spec();
  const bool whole = plane_width_ == s.input.w;  // rows follow each other in the plane too
  const int32_t rows = whole ? 1 : s.input.h;
  const int32_t columns = whole ? s.input.h * s.input.w : s.input.w;
  std::memset(planes, 0,
              static_cast<std::size_t>(s.input.c) * static_cast<std::size_t>(plane_size_) *
                  sizeof(int16_t));
  for (int32_t c = 0; c < s.input.c; ++c) {
    int16_t *to = planes + std::ptrdiff_t{c} * plane_size_ +
                  std::ptrdiff_t{s.padding.h} * plane_width_ + s.padding.w;
    for (int32_t y = 0; y < rows; ++y) {
      Widen(image + std::ptrdiff_t{y} * columns * s.input.c + c, s.input.c, s.operands.input_offset,
            columns, to + std::ptrdiff_t{y} * plane_width_);
    }
  }
}

Columns VectorConv::GroupColumns(int32_t group, const Block &block, const Buffers &buffers) const {
  const ConvSpec &s = spec();
  const int32_t n = PadLanes(block.size);
  const int16_t *planes = buffers.planes + std::ptrdiff_t{group} * depth_ * plane_size_;
  if (direct_) return {planes + block.first, plane_size_, taps_, n};
  const int32_t top = block.first / s.output.w, rows = block.size / s.output.w;
  int16_t *to = buffers.columns;
  for (int32_t t = 0; t < taps_; ++t) {
    const int32_t tap = t / depth_;
    const int16_t *from =
        planes + std::ptrdiff_t{t % depth_} * plane_size_ +
        std::ptrdiff_t{top * s.stride.h + tap / s.filter.w * s.dilation.h} * plane_width_ +
        tap % s.filter.w * s.dilation.w;
    CopyGrid(from, std::ptrdiff_t{s.stride.h} * plane_width_, s.stride.w, rows, s.output.w, to);
    std::fill(to + block.size, to + n, int16_t{0});
    to += n;
  }
  return {buffers.columns, n, taps_, n};
}

void VectorConv::CountInputs(const Columns &columns, int32_t group, const Buffers &buffers,
                             const unit_counters &counters, Counts *counts) const {
  const int32_t *nonzero = &nonzero_[static_cast<std::size_t>(group * taps_)];
  for (int32_t t = 0; t < taps_; ++t) {
    const int16_t *x = columns.x + t * columns.stride;
    counts->zero += int64_t{CountZeros(x, columns.n)} * nonzero[t];
    if (counters.skipped_sum != nullptr) buffers.tap_sums[t] = Sum(x, columns.n);
  }
}

void VectorConv::RunChannel(const Columns &columns, int32_t channel, const Block &block,
                            int8_t *out, const Buffers &buffers, unit_counters *counters,
                            Counts *counts) const {
  const auto row = static_cast<std::size_t>(channel) * static_cast<std::size_t>(taps_);
  const int16_t *weights = &weights_[row];
  std::fill_n(buffers.sums, columns.n, 0);
  if (prunes_) {
    std::fill_n(buffers.kept, columns.n, uint16_t{0});
    AccumulateKept(columns, weights, &cutoffs_[row], buffers.sums, buffers.kept);
    counts->kept += Sum(buffers.kept, columns.n);
    if (counters->skipped_sum != nullptr) {
      int64_t dense = 0;
      for (int32_t t = 0; t < taps_; ++t) dense += weights[t] * buffers.tap_sums[t];
      counters->skipped_sum[channel] += dense - Sum(buffers.sums, columns.n);
    }
  } else {
    Accumulate(columns, weights, buffers.sums);
  }
  const int32_t step = spec().output.c;
  Requantize(outputs_[static_cast<std::size_t>(channel)], buffers.sums, block.size, step,
             out + std::ptrdiff_t{block.first} * step + channel);
}

}  // namespace tflm_unit
