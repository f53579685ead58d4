#include "unit_output.h"

unit_limits unit_limits_of(int16_t offset, int16_t min, int16_t max, int16_t fatrelu_min) {
  const int is_fatrelu = fatrelu_min > min;
  unit_limits limits;
  limits.low = is_fatrelu ? fatrelu_min : min;
  limits.floor = is_fatrelu ? offset : min;
  limits.max = max;
  limits.cut = offset <= min ? 1 : INT32_MIN;
  limits.kind = UNIT_LIMITS_ANY;
  if (max < limits.low) { /* no output is large enough for FATReLU */
    limits.low = INT32_MAX;
    limits.max = limits.floor;
  } else if (max == INT8_MAX && !is_fatrelu) {
    if (offset == min) {
      limits.kind = UNIT_LIMITS_RELU;
    } else if (min == INT8_MIN) {
      limits.kind = UNIT_LIMITS_INT8;
    }
  }
  return limits;
}
