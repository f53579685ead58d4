/* Every control term through every divider, for dividers.py: marks between the loops, then the sum
 * of each loop's quotients. divider_data.h is generated. */
#include "core/unit_functions.h"
#include "divider_data.h"
#include "unit_machine.h"

#define LOOPS 7

static uint8_t quotient[CONTROLS];
static uint32_t sums[LOOPS];
static volatile int16_t threshold_value = THRESHOLD;

/* What a call costs by itself. */
__attribute__((noinline)) static uint8_t nothing(unit_divider divider, int16_t threshold,
                                                 uint8_t control, const uint8_t *tree,
                                                 const uint8_t *row) {
  __asm__ volatile("");
  (void)divider, (void)threshold, (void)tree, (void)row;
  return control;
}

#define LOOP(name, value)                                                             \
  __attribute__((noinline)) static void name(int16_t threshold, const uint8_t *row) { \
    (void)threshold, (void)row;                                                       \
    for (int16_t i = 0; i < CONTROLS; i++) {                                          \
      const uint8_t control = divider_control[i];                                     \
      quotient[i] = (value);                                                          \
      __asm__ volatile("" ::: "memory");                                              \
    }                                                                                 \
  }

LOOP(loop_alone, control)
LOOP(loop_calls, nothing(UNIT_DIVIDER_EXACT, threshold, control, divider_tree, row))
LOOP(loop_exact, unit_divide(UNIT_DIVIDER_EXACT, threshold, control, divider_tree, row))
LOOP(loop_bit_shift, unit_divide(UNIT_DIVIDER_BIT_SHIFT, threshold, control, divider_tree, row))
LOOP(loop_tree, unit_divide(UNIT_DIVIDER_BINARY_TREE, threshold, control, divider_tree, row))
LOOP(loop_bit_mask, unit_divide(UNIT_DIVIDER_BIT_MASK, threshold, control, divider_tree, row))
LOOP(loop_table, row[control]) /* as the kernels read it */

static void write_hex(uint32_t value) {
  char text[9];
  for (int i = 7; i >= 0; i--) {
    const char digit = (char)(value & 15);
    text[i] = (char)(digit < 10 ? digit + '0' : digit - 10 + 'a');
    value >>= 4;
  }
  text[8] = '\n';
  unit_machine_write(text, sizeof(text));
}

int main(void) {
  static void (*const loops[LOOPS])(int16_t, const uint8_t *) = {
      loop_alone, loop_calls, loop_exact, loop_bit_shift, loop_tree, loop_bit_mask, loop_table};
  const int16_t threshold = threshold_value;
  for (int16_t loop = 0; loop < LOOPS; loop++) {
    unit_machine_mark();
    loops[loop](threshold, divider_table);
    unit_machine_mark();
    for (int16_t i = 0; i < CONTROLS; i++) sums[loop] += quotient[i];
  }
  for (int16_t loop = 0; loop < LOOPS; loop++) write_hex(sums[loop]);
  return 0;
}
