#include "unit_functions.h"

int32_t unit_margin_s8(const int8_t *output, int32_t size) {
  int16_t largest = INT8_MIN, next = INT8_MIN;
  for (const int8_t *end = output + size; output < end; output++) {
    if (*output > largest) {
      next = largest;
      largest = *output;
    } else if (*output > next) {
      next = *output;
    }
  }
  return largest - next;
}
