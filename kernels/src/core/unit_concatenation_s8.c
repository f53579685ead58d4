#include <string.h>

#include "unit_functions.h"

unit_status unit_concatenation_s8(const int8_t *input, int32_t outer, int32_t inner, int32_t column,
                                  int32_t output_inner, int8_t *output) {
  for (int32_t row = 0; row < outer; row++) {
    memcpy(output + row * output_inner + column, input + row * inner, (size_t)inner);
  }
  return UNIT_SUCCESS;
}
