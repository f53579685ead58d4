// Inner loops of the vectorised host kernels: plain loops that GCC and Clang turn into SIMD code.
//
// Activations are int16 with the zero point taken off: |x| <= 255. A product with an int8 weight
// then fits int16 (255 * 128 = 32640), and kMaxTaps of them fit an int32 accumulator.
#ifndef TFLM_UNIT_NATIVE_VECTOR_KERNELS_H_
#define TFLM_UNIT_NATIVE_VECTOR_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "unit_output.h"

namespace tflm_unit {

// Rows that the loops run over are padded to this many elements.
constexpr int32_t kLanes = 16;
// Products per output: also what a uint16 can count.
constexpr int32_t kMaxTaps = UINT16_MAX;

constexpr int32_t PadLanes(int32_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// taps rows of activations, `stride` elements apart, of which the first n columns are used.
struct Columns {
  const int16_t *x;
  std::ptrdiff_t stride;
  int32_t taps;
  int32_t n;  // a multiple of kLanes
};

// sums[p] += weights[t] * x[t][p] over all t.
void Accumulate(const Columns &columns, const int16_t *weights, int32_t *sums);

// The same over the t with |x[t][p]| > cutoffs[t]; kept[p] grows by how many there are.
void AccumulateKept(const Columns &columns, const int16_t *weights, const int16_t *cutoffs,
                    int32_t *sums, uint16_t *kept);

// The sum of weights[i] * x[i]. n: a multiple of kLanes.
int32_t Dot(const int16_t *x, const int16_t *weights, int32_t n);

// The same over the i with |x[i]| > cutoffs[i], whose number is added to *kept.
int32_t DotKept(const int16_t *x, const int16_t *weights, const int16_t *cutoffs, int32_t n,
                uint64_t *kept);

// to[i] = from[i * step] + offset.
void Widen(const int8_t *from, std::ptrdiff_t step, int32_t offset, int32_t n, int16_t *to);

int32_t Sum(const int16_t *x, int32_t n);
int64_t Sum(const int32_t *x, int32_t n);
int64_t Sum(const uint16_t *x, int32_t n);
int32_t CountZeros(const int16_t *x, int32_t n);
// The sum of the values[i] where x[i] is 0.
int32_t SumWhereZero(const int16_t *x, const int32_t *values, int32_t n);

// to[r * columns + c] = from[r * row_step + c * column_step].
void CopyGrid(const int16_t *from, std::ptrdiff_t row_step, int32_t column_step, int32_t rows,
              int32_t columns, int16_t *to);

// to[i * step] = int8 output of sums[i], which is overwritten.
void Requantize(const unit_output &output, int32_t *sums, int32_t n, std::ptrdiff_t step,
                int8_t *to);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_VECTOR_KERNELS_H_
