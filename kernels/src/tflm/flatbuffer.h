/* A bounds-checked reader for the two things that the overrides need from a .tflite file. It works
 * on any bytes, aligned or not, and never reads outside them. TFLM's own schema header is not used:
 * the tflite-micro wheel ships none, and its accessors do not check. */
#ifndef TFLM_UNIT_TFLM_FLATBUFFER_H_
#define TFLM_UNIT_TFLM_FLATBUFFER_H_

#include <stddef.h>
#include <stdint.h>

namespace tflm_unit {

struct Bytes {
  const uint8_t *data;
  size_t size;
};

/* The buffer of the first Model.metadata entry called `name`. False when there is none. */
bool FindMetadata(const Bytes &tflite, const char *name, Bytes *buffer);

/* The constant contents of a tensor of subgraph 0. False when the tensor does not exist or has
 * none. */
bool FindTensorData(const Bytes &tflite, uint32_t tensor, Bytes *buffer);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_FLATBUFFER_H_
