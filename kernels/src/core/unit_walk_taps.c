#include "unit_loops.h"
#include "unit_mac.h"

void unit_walk_taps_c(const unit_tap_inputs *inputs) {
  /* No negative index: gdb's simulator of MSP430X extends the sign of a byte to 16 of 20 bits. */
  const uint8_t *needs = inputs->needs + INT8_MIN;
  const int8_t *row = inputs->input;
  int32_t *row_acc = inputs->acc;
  for (ptrdiff_t rows = inputs->rows; rows > 0; rows--) {
    const int8_t *input = row;
    uint8_t *acc = (uint8_t *)row_acc;
    for (ptrdiff_t columns = inputs->columns; columns > 0; columns--) {
      const unit_needed_tap *tap = inputs->tap;
      const unit_needed_tap *end = tap + needs[(uint8_t)((uint8_t)*input ^ 0x80)];
      const int16_t x = (int16_t)(*input + inputs->offset);
      for (; tap < end; tap++) {
        uint32_t *to = (uint32_t *)(void *)(acc + tap->at);
        *to += (uint32_t)unit_product(x, (int16_t)tap->w);
      }
      input += inputs->step;
      acc += sizeof(int32_t);
    }
    row += inputs->row_step;
    row_acc += inputs->pitch;
  }
}
