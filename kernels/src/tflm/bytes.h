/* Little-endian loads from unaligned memory. */
#ifndef TFLM_UNIT_TFLM_BYTES_H_
#define TFLM_UNIT_TFLM_BYTES_H_

#include <stdint.h>
#include <string.h>

namespace tflm_unit {

inline uint32_t Load16(const uint8_t *p) { return p[0] | static_cast<uint32_t>(p[1]) << 8; }

inline uint32_t Load32(const uint8_t *p) { return Load16(p) | Load16(p + 2) << 16; }

inline float LoadFloat(const uint8_t *p) {
  const uint32_t bits = Load32(p);
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_BYTES_H_
