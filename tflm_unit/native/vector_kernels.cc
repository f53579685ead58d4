#include "vector_kernels.h"

#include <algorithm>
#include <array>
#include <utility>

// One library for every x86-64: the loader picks the AVX2 clone where the processor has it. Needs
// glibc's ifunc; Clang names the clones differently; sanitizers cannot run before ifunc resolvers.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MULTIVERSION __attribute__((target_clones("avx2", "default")))
#else
#define MULTIVERSION
#endif
// What a clone calls must be compiled for the same instructions: inline.
#define INLINE inline __attribute__((always_inline))

namespace tflm_unit {

namespace {

// Taps per pass over the columns: loads and stores of the sums are shared by that many.
constexpr int kUnroll = 8;

// All ones where |x| > cutoff, else 0.
INLINE int16_t KeepMask(int16_t x, int16_t cutoff) {
  const auto magnitude = static_cast<int16_t>(x < 0 ? -x : x);
  return static_cast<int16_t>(-(magnitude > cutoff));
}

INLINE int16_t Product(int x, int16_t weight) { return static_cast<int16_t>(x * weight); }

template <std::size_t... k>
INLINE void AccumulateTaps(const int16_t *__restrict x, std::ptrdiff_t stride,
                           const int16_t *weights, int32_t n, int32_t *__restrict sums,
                           std::index_sequence<k...>) {
  const std::array<int16_t, sizeof...(k)> w = {weights[k]...};
  for (int32_t p = 0; p < n; ++p) {
    sums[p] += (Product(x[static_cast<std::ptrdiff_t>(k) * stride + p], w[k]) + ...);
  }
}

template <std::size_t... k>
INLINE void AccumulateKeptTaps(const int16_t *__restrict x, std::ptrdiff_t stride,
                               const int16_t *weights, const int16_t *cutoffs, int32_t n,
                               int32_t *__restrict sums, uint16_t *__restrict kept,
                               std::index_sequence<k...>) {
  const std::array<int16_t, sizeof...(k)> w = {weights[k]...}, c = {cutoffs[k]...};
  for (int32_t p = 0; p < n; ++p) {
    const std::array<int16_t, sizeof...(k)> value = {
        x[static_cast<std::ptrdiff_t>(k) * stride + p]...};
    const std::array<int16_t, sizeof...(k)> mask = {KeepMask(value[k], c[k])...};
    sums[p] += (Product(value[k] & mask[k], w[k]) + ...);
    kept[p] = static_cast<uint16_t>(kept[p] - (mask[k] + ...));
  }
}

}  // namespace

MULTIVERSION void Accumulate(const Columns &columns, const int16_t *weights, int32_t *sums) {
  const int32_t n = columns.n / kLanes * kLanes;
  int32_t t = 0;
  for (; t + kUnroll <= columns.taps; t += kUnroll) {
    AccumulateTaps(columns.x + t * columns.stride, columns.stride, weights + t, n, sums,
                   std::make_index_sequence<kUnroll>());
  }
  for (; t < columns.taps; ++t) {
    AccumulateTaps(columns.x + t * columns.stride, columns.stride, weights + t, n, sums,
                   std::make_index_sequence<1>());
  }
}

MULTIVERSION void AccumulateKept(const Columns &columns, const int16_t *weights,
                                 const int16_t *cutoffs, int32_t *sums, uint16_t *kept) {
  const int32_t n = columns.n / kLanes * kLanes;
  int32_t t = 0;
  for (; t + kUnroll <= columns.taps; t += kUnroll) {
    AccumulateKeptTaps(columns.x + t * columns.stride, columns.stride, weights + t, cutoffs + t, n,
                       sums, kept, std::make_index_sequence<kUnroll>());
  }
  for (; t < columns.taps; ++t) {
    AccumulateKeptTaps(columns.x + t * columns.stride, columns.stride, weights + t, cutoffs + t, n,
                       sums, kept, std::make_index_sequence<1>());
  }
}

MULTIVERSION int32_t Dot(const int16_t *x, const int16_t *weights, int32_t n) {
  n = n / kLanes * kLanes;
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += x[i] * weights[i];
  return sum;
}

MULTIVERSION int32_t DotKept(const int16_t *x, const int16_t *weights, const int16_t *cutoffs,
                             int32_t n, uint64_t *kept) {
  n = n / kLanes * kLanes;
  int32_t sum = 0;
  uint16_t count = 0;
  for (int32_t i = 0; i < n; ++i) {
    const int16_t mask = KeepMask(x[i], cutoffs[i]);
    const auto value = static_cast<int16_t>(x[i] & mask);
    sum += value * weights[i];
    count = static_cast<uint16_t>(count - mask);
  }
  *kept += count;
  return sum;
}

MULTIVERSION void Widen(const int8_t *from, std::ptrdiff_t step, int32_t offset, int32_t n,
                        int16_t *to) {
  if (step == 1) {
    for (int32_t i = 0; i < n; ++i) to[i] = static_cast<int16_t>(from[i] + offset);
  } else {
    for (int32_t i = 0; i < n; ++i) to[i] = static_cast<int16_t>(from[i * step] + offset);
  }
}

MULTIVERSION int32_t Sum(const int16_t *x, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

MULTIVERSION int64_t Sum(const int32_t *x, int32_t n) {
  int64_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

MULTIVERSION int64_t Sum(const uint16_t *x, int32_t n) {
  int64_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

MULTIVERSION int32_t CountZeros(const int16_t *x, int32_t n) {
  int32_t zeros = 0;
  for (int32_t i = 0; i < n; ++i) zeros += x[i] == 0;
  return zeros;
}

MULTIVERSION int32_t SumWhereZero(const int16_t *x, const int32_t *values, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += x[i] == 0 ? values[i] : 0;
  return sum;
}

MULTIVERSION void CopyGrid(const int16_t *from, std::ptrdiff_t row_step, int32_t column_step,
                           int32_t rows, int32_t columns, int16_t *to) {
  for (int32_t r = 0; r < rows; ++r, from += row_step, to += columns) {
    if (column_step == 1) {
      std::copy_n(from, columns, to);
    } else {
      for (int32_t c = 0; c < columns; ++c) to[c] = from[c * column_step];
    }
  }
}

MULTIVERSION void Requantize(const unit_output &output, int32_t *sums, int32_t n,
                             std::ptrdiff_t step, int8_t *to) {
  // Copies that the stores cannot alias, and a loop of one element width: what the vectorizer
  // needs.
  const unit_activation activation = *output.activation;
  unit_output local = output;
  local.activation = &activation;
  for (int32_t i = 0; i < n; ++i) sums[i] = unit_output_value(&local, sums[i]);
  for (int32_t i = 0; i < n; ++i) to[i * step] = static_cast<int8_t>(sums[i]);
}

}  // namespace tflm_unit
