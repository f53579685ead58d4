/* Part of msp430_loops.c: from sums to outputs. */
#include "msp430_loops.h"

/* Shifts and multipliers that the short way covers, most often; sums from any size, and almost
 * themselves. */
static void random_scale(int32_t *multiplier, int32_t *shift) {
  *multiplier = (int32_t)(random_bits() >> 1);
  if (random_below(8)) *multiplier |= (int32_t)1 << 30;
  *shift = random_below(4) ? -random_below(20) : random_below(62) - 31;
  if (random_below(8) == 0) *multiplier = INT32_MAX, *shift = 0;
}

void check_store(int16_t offset) {
  static FAR int32_t bias[4], compensation[4], multiplier[4], shift[4];
  static int8_t outputs[2][4];
  static int8_t plane[2][2 * COUNT];
  unit_outputs output;
  random_sums();
  for (int i = 0; i < 4; i++) {
    bias[i] = (int32_t)random_bits() >> random_below(32);
    compensation[i] = (int32_t)random_bits() >> random_below(32);
    random_scale(multiplier + i, shift + i);
    const int32_t high = unit_high_mul_c(want[i], bias[i]);
    const int32_t high_msp430 = CALL(unit_high_mul_msp430)(want[i], bias[i]);
    check("unit_high_mul", &high, &high_msp430, sizeof(high));
    const int32_t value = unit_requantize_c(want[i], multiplier[i], shift[i]);
    const int32_t value_msp430 = unit_requantize_msp430(want[i], multiplier[i], shift[i]);
    check("unit_requantize", &value, &value_msp430, sizeof(value));
  }
  output.bias = random_below(2) ? bias : NULL;
  output.compensation = random_below(2) ? compensation : NULL;
  output.multiplier = multiplier;
  output.shift = shift;
  output.is_per_channel = random_below(2);
  output.offset = (int16_t)-offset;
  output.min = random_below(2) ? output.offset : (int16_t)(random_below(128) - 128);
  output.max = (int16_t)(output.min + random_below((int16_t)(128 - output.min)));
  if (random_below(2)) output.min = -128, output.max = 127;
  output.fatrelu_min = random_below(2) ? UNIT_FATRELU_OFF : (int16_t)(random_below(256) - 128);
  output.limits = unit_limits_of(output.offset, output.min, output.max, output.fatrelu_min);
  unit_store_c(&output, want, 4, outputs[0]);
  CALL(unit_store_msp430)(&output, want, 4, outputs[1]);
  check("unit_store", outputs[0], outputs[1], sizeof(outputs[0]));
  /* Sums that give outputs in range, and ties. */
  output.bias = output.compensation = NULL;
  for (int i = 0; i < COUNT; i++) {
    const int16_t e = (int16_t)-shift[0];
    if (e > 0 && e < 16) want[i] = (int32_t)(random_bits() >> 16) >> random_below(16) << e >> 7;
    if (random_below(2)) want[i] = -want[i];
    if (e <= 0 && random_below(8) == 0) want[i] = INT32_MIN + random_below(300); /* wraps around */
    if (i > 0 && random_below(2)) want[i] = want[i - 1];
  }
  const ptrdiff_t step = 1 + random_below(2);
  unit_store_plane_c(&output, want, COUNT / 4 - 1, plane[0], step, 4, COUNT / 4);
  unit_store_plane_msp430(&output, want, COUNT / 4 - 1, plane[1], step, 4, COUNT / 4);
  check("unit_store_plane", plane[0], plane[1], sizeof(plane[0]));
  unit_store_row_c(&output, want, 4, plane[0], 4 + step, 3 + step, 6);
  unit_store_row_msp430(&output, want, 4, plane[1], 4 + step, 3 + step, 6);
  check("unit_store_row", plane[0], plane[1], sizeof(plane[0]));
}

/* Two rows of sums in any order; results in place or before, as far as the first window is from the
 * row's beginning. */
void check_largest_sums(void) {
  enum { ROW = COUNT / 2 };
  unit_sum_windows windows;
  windows.rows = random_below(4) ? 2 : 1;
  windows.columns = random_below(4) ? 2 : (ptrdiff_t)(1 + random_below(3));
  windows.channels = (ptrdiff_t)(1 + random_below(5));
  const int16_t most = (int16_t)(ROW / (windows.columns * windows.channels));
  windows.windows = (ptrdiff_t)(1 + random_below(most));
  const int16_t room = (int16_t)(ROW - windows.windows * windows.columns * windows.channels);
  const int16_t first = random_below((int16_t)(room + 1));
  const int16_t row = random_below(2) ? ROW : 0;
  windows.row_step = row == 0 ? ROW : -ROW;
  random_sums();
  for (int i = 0; i < COUNT; i++) {
    if (random_below(4) == 0) want[i] = got[i] = want[random_below(COUNT)];
    if (random_below(4) == 0) want[i] = got[i] = want[i] ^ random_below(3);
  }
  const int16_t to = random_below(2) ? first : 0;
  windows.sums = want + row + first;
  windows.to = want + row + to;
  unit_largest_sums_c(&windows);
  windows.sums = got + row + first;
  windows.to = got + row + to;
  CALL(unit_largest_sums_msp430)(&windows);
  check("unit_largest_sums", want, got, sizeof(want));
}
