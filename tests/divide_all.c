/* Every threshold and control term through unit_divide, for test_core.py. */
#include "unit_functions.h"

/* rows: the table divider's rows of all thresholds; quotients: [threshold][control]. */
void divide_all(int divider, const uint8_t *tree, const uint8_t *rows, uint8_t *quotients) {
  for (int32_t threshold = 0; threshold <= UNIT_MAX_THRESHOLD; threshold++) {
    for (int32_t control = 0; control < UNIT_TABLE_ROW; control++) {
      *quotients++ = unit_divide((unit_divider)divider, (int16_t)threshold, (uint8_t)control, tree,
                                 rows + threshold * UNIT_TABLE_ROW);
    }
  }
}
