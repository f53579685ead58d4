/* CRC-32 as in IEEE 802.3 and zlib. */
#ifndef TFLM_UNIT_TFLM_CRC32_H_
#define TFLM_UNIT_TFLM_CRC32_H_

#include <stddef.h>
#include <stdint.h>

namespace tflm_unit {

uint32_t Crc32(const uint8_t *data, size_t size);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_CRC32_H_
