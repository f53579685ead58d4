#include "tflm/crc32.h"

#include "tflm/compat.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {
namespace {

// One entry per nibble: 64 bytes of flash instead of the usual 1 KiB, at half the speed. It runs
// only when tensors are allocated.
const uint32_t kNibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

}  // namespace

uint32_t Crc32(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    crc = kNibble[crc & 15] ^ (crc >> 4);
    crc = kNibble[crc & 15] ^ (crc >> 4);
  }
  return crc ^ 0xffffffff;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
