// What the parts of the Python module share.
#ifndef TFLM_UNIT_NATIVE_BINDINGS_H_
#define TFLM_UNIT_NATIVE_BINDINGS_H_

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>

#include <array>
#include <cstdint>
#include <vector>

#include "program.h"
#include "unit_types.h"

namespace tflm_unit {

using Dims = std::array<int32_t, 4>;
using Tile = std::array<int32_t, 2>;
using Range = std::array<int32_t, 2>;  // smallest and largest int8 output

inline unit_dims ToDims(const Dims &dims) { return {dims[0], dims[1], dims[2], dims[3]}; }
inline unit_tile ToTile(const Tile &tile) { return {tile[0], tile[1]}; }
inline unit_activation ToActivation(const Range &range) {
  return {range[0], range[1], UNIT_FATRELU_OFF};
}

// A C-contiguous NumPy array of any shape.
template <typename T>
using Array = nanobind::ndarray<T, nanobind::c_contig, nanobind::device::cpu>;

template <typename T>
std::vector<T> ToVector(const Array<const T> &array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}

void BindPrunable(nanobind::module_ &module, nanobind::class_<Program> &program);
void BindOperators(nanobind::class_<Program> &program);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_BINDINGS_H_
