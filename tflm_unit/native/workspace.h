// One thread's memory for a run: intermediate tensors placed by lifetime, and scratch memory.
#ifndef TFLM_UNIT_NATIVE_WORKSPACE_H_
#define TFLM_UNIT_NATIVE_WORKSPACE_H_

#include <cstddef>
#include <vector>

#include "program.h"

namespace tflm_unit {

// Where intermediate tensors lie. Two may share memory when no layer needs both.
class MemoryPlan {
 public:
  static constexpr std::size_t kUnplaced = static_cast<std::size_t>(-1);

  // Plans for the first `layer_count` layers. `external[t]`: tensor t has memory of its own.
  MemoryPlan(const Program &program, int layer_count, const std::vector<bool> &external);

  // kUnplaced for external tensors and those that no layer writes.
  std::size_t offset(int tensor) const { return offsets_[static_cast<std::size_t>(tensor)]; }
  std::size_t scratch_offset() const { return scratch_offset_; }
  std::size_t size() const { return size_; }

 private:
  std::vector<std::size_t> offsets_;
  std::size_t scratch_offset_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_WORKSPACE_H_
