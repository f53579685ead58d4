#include "tflm/plan_check.h"

#include <stddef.h>

#include "tflm/compat.h"
#include "tflm/crc32.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {
namespace {

enum { kConv2d = 3, kDepthwiseConv2d = 4, kFullyConnected = 9 };  // BuiltinOperator

// More than any real layer has; bounds the time that phases take.
const int32_t kMaxStride = 255;

// The accumulators of a list's window that its entries may still add to.
class Window {
 public:
  void Add(int32_t slot) { bits_[slot >> 5] |= Bit(slot); }

  bool Take(uint32_t at) {
    if (at % 4 != 0) return false;
    const int32_t slot = static_cast<int32_t>(at / 4);
    if ((bits_[slot >> 5] & Bit(slot)) == 0) return false;
    bits_[slot >> 5] &= ~Bit(slot);
    return true;
  }

 private:
  static uint32_t Bit(int32_t slot) { return static_cast<uint32_t>(1) << (slot & 31); }

  uint32_t bits_[UNIT_PLAN_WINDOW / 32] = {0, 0};
};

// Walks the lists in the order of docs/planned.md. Each function returns false at the first fault.
class Lists {
 public:
  Lists(const StoredPlan &stored, const PlanGeometry &geometry)
      : stored_(stored), plan_(stored.plan), geometry_(geometry) {}

  bool Check() {
    for (int32_t group = 0; group < geometry_.groups; ++group) {
      for (int32_t output = 0; output < geometry_.outputs; output += plan_.outputs) {
        const int32_t left = geometry_.outputs - output;
        if (!CheckBlock(left < plan_.outputs ? left : plan_.outputs)) return false;
      }
    }
    // A plan without any weight has an entry all the same.
    return list_ == stored_.lists && first_ == stored_.firsts;
  }

 private:
  // The segments of all column phases.
  bool CheckBlock(int32_t outputs) {
    for (int32_t phase = 0; phase < geometry_.stride.w; ++phase) {
      int32_t column = NextColumn(0, phase);
      while (column < geometry_.filter.w) {
        int32_t last = column;
        int32_t next = column;
        int32_t taps = 0;
        do {
          last = next;
          next = NextColumn(next + 1, phase);
        } while (++taps < plan_.taps && next < geometry_.filter.w);
        Window window;
        for (int32_t k = column; k <= last; k = NextColumn(k + 1, phase)) {
          const int32_t tap = (last - k) * geometry_.dilation.w / geometry_.stride.w;
          if (tap >= UNIT_PLAN_WINDOW || (tap + 1) * plan_.outputs > UNIT_PLAN_WINDOW) return false;
          for (int32_t o = 0; o < outputs; ++o) window.Add(tap * plan_.outputs + o);
        }
        if (!CheckSegment(window)) return false;
        column = next;
      }
    }
    return true;
  }

  bool CheckSegment(const Window &window) {
    for (int32_t phase = 0; phase < geometry_.stride.h; ++phase) {
      int32_t rows = 0;
      for (int32_t k = 0; k < geometry_.filter.h; ++k) {
        if (k * geometry_.dilation.h % geometry_.stride.h == phase) ++rows;
      }
      for (int32_t input = 0; rows > 0 && input < geometry_.inputs; ++input) {
        if (!CheckFirst()) return false;
        for (int32_t row = 0; row < rows; ++row) {
          if (!CheckList(window)) return false;
        }
      }
    }
    return true;
  }

  bool CheckFirst() {
    if (geometry_.op == kFullyConnected) return true;
    return first_ < stored_.firsts && plan_.first[first_++] == entry_;
  }

  bool CheckList(Window window) {
    if (list_ == stored_.lists) return false;
    const uint8_t *count = plan_.count + static_cast<size_t>(list_++) * ClassCount();
    uint32_t length = 0;
    for (uint32_t i = 0; i < ClassCount(); ++i) {
      if (count[i] < length) return false;
      length = count[i];
    }
    if (length > stored_.entries - entry_) return false;
    for (; length > 0; --length) {
      if (!window.Take(plan_.at[entry_++])) return false;
    }
    return true;
  }

  uint32_t ClassCount() const { return static_cast<uint32_t>(plan_.classes); }

  // The first column of the phase from k on, the filter's width when there is none.
  int32_t NextColumn(int32_t k, int32_t phase) const {
    while (k < geometry_.filter.w && k * geometry_.dilation.w % geometry_.stride.w != phase) ++k;
    return k;
  }

  const StoredPlan &stored_;
  const unit_plan &plan_;
  const PlanGeometry &geometry_;
  uint32_t entry_ = 0;
  uint32_t list_ = 0;
  uint32_t first_ = 0;
};

}  // namespace

PlanGeometry GeometryOf(const unit_conv_params &params, const unit_dims &input,
                        const unit_dims &filter) {
  const int32_t groups = input.c / filter.c;
  return {kConv2d,       groups,          filter.n / groups,   filter.c, {filter.h, filter.w},
          params.stride, params.dilation, -params.input_offset};
}

PlanGeometry GeometryOf(const unit_dw_conv_params &params, const unit_dims &input,
                        const unit_dims &filter) {
  return {kDepthwiseConv2d,     input.c,       params.ch_mult,  1,
          {filter.h, filter.w}, params.stride, params.dilation, -params.input_offset};
}

PlanGeometry GeometryOf(const unit_fc_params &params, const unit_dims &filter) {
  return {kFullyConnected, 1, filter.c, filter.n, {1, 1}, {1, 1}, {1, 1}, -params.input_offset};
}

bool PlanFits(const StoredPlan &stored, const PlanGeometry &geometry) {
  const uint32_t crc = Crc32(reinterpret_cast<const uint8_t *>(&geometry), sizeof(geometry));
  if (stored.layer_crc != crc) return false;
  if (geometry.stride.h > kMaxStride || geometry.stride.w > kMaxStride) return false;
  if (stored.plan.outputs > geometry.outputs) return false;
  if (geometry.op != kFullyConnected && stored.plan.taps < 1) return false;
  for (int i = 0; i < 256; ++i) {
    if (stored.plan.class_of[i] > stored.plan.classes) return false;
  }
  return Lists(stored, geometry).Check();
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
