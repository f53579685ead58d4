#include "workspace.h"

#include <algorithm>

namespace tflm_unit {

namespace {

// The layers first..last need the tensor.
struct Lifetime {
  int tensor;
  int first, last;
  std::size_t bytes;
  std::size_t offset = 0;

  bool Overlaps(const Lifetime &other) const { return first <= other.last && other.first <= last; }
};

std::vector<Lifetime> Lifetimes(const Program &program, int layer_count,
                                const std::vector<bool> &external) {
  std::vector<int> index(program.tensors().size(), -1);
  std::vector<Lifetime> lifetimes;
  for (int layer = 0; layer < layer_count; ++layer) {
    const Layer &l = *program.layers()[static_cast<std::size_t>(layer)];
    for (const Port &port : l.inputs()) {
      const int at = index[static_cast<std::size_t>(port.tensor)];
      if (at >= 0) lifetimes[static_cast<std::size_t>(at)].last = layer;
    }
    const auto output = static_cast<std::size_t>(l.output().tensor);
    if (external[output]) continue;
    index[output] = static_cast<int>(lifetimes.size());
    lifetimes.push_back(
        {l.output().tensor, layer, layer, AlignUp(program.tensors()[output].bytes())});
  }
  return lifetimes;
}

// The lowest gap between the tensors placed already that live at the same time.
std::size_t LowestOffset(const Lifetime &wanted, const std::vector<Lifetime> &placed_by_offset) {
  std::size_t offset = 0;
  for (const Lifetime &other : placed_by_offset) {
    if (!other.Overlaps(wanted)) continue;
    if (other.offset >= offset + wanted.bytes) break;
    offset = std::max(offset, other.offset + other.bytes);
  }
  return offset;
}

}  // namespace

MemoryPlan::MemoryPlan(const Program &program, int layer_count, const std::vector<bool> &external)
    : offsets_(program.tensors().size(), kUnplaced) {
  std::vector<Lifetime> lifetimes = Lifetimes(program, layer_count, external);
  std::stable_sort(lifetimes.begin(), lifetimes.end(),
                   [](const Lifetime &a, const Lifetime &b) { return a.bytes > b.bytes; });
  std::vector<Lifetime> placed;
  for (Lifetime &lifetime : lifetimes) {
    lifetime.offset = LowestOffset(lifetime, placed);
    offsets_[static_cast<std::size_t>(lifetime.tensor)] = lifetime.offset;
    scratch_offset_ = std::max(scratch_offset_, lifetime.offset + lifetime.bytes);
    const auto after =
        std::upper_bound(placed.begin(), placed.end(), lifetime,
                         [](const Lifetime &a, const Lifetime &b) { return a.offset < b.offset; });
    placed.insert(after, lifetime);
  }
  size_ = scratch_offset_;
  for (int layer = 0; layer < layer_count; ++layer) {
    const std::size_t scratch = program.layers()[static_cast<std::size_t>(layer)]->scratch_size();
    size_ = std::max(size_, scratch_offset_ + AlignUp(scratch));
  }
}

}  // namespace tflm_unit
