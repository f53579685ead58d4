// C interface of _tflm_host.so: tflm_unit::Model for tflm_library.py, which loads it with ctypes.
#ifndef TFLM_UNIT_TFLM_HOST_HOST_API_H_
#define TFLM_UNIT_TFLM_HOST_HOST_API_H_

#include <stddef.h>
#include <stdint.h>

#define HOST_EXPORT __attribute__((visibility("default")))

namespace tflite {
namespace micro {
class MicroOpResolver;
}  // namespace micro
}  // namespace tflite

namespace tflm_unit {
class Model;
}  // namespace tflm_unit

extern "C" {

// Named in custom_op_registerers: replaces the three operators of a new interpreter's resolver.
// Returns false when the resolver lacks one of them, which fails the interpreter's construction.
HOST_EXPORT bool tflm_unit_override_ops(tflite::micro::MicroOpResolver *resolver);

// The bytes at `tflite` must outlive the model and the interpreters that use it. nullptr: out of
// memory.
HOST_EXPORT tflm_unit::Model *tflm_unit_model_create(const void *tflite, size_t size);
HOST_EXPORT void tflm_unit_model_destroy(tflm_unit::Model *model);

// Interpreters that this thread creates are bound to `model`; nullptr: to none.
HOST_EXPORT void tflm_unit_model_activate(tflm_unit::Model *model);

// After an interpreter could not be created: the wheel frees its arena without ending it.
HOST_EXPORT void tflm_unit_model_forget_new_layers(tflm_unit::Model *model);

// The metadata field at fault, nullptr when there is none.
HOST_EXPORT const char *tflm_unit_model_error(const tflm_unit::Model *model);

HOST_EXPORT int32_t tflm_unit_model_point_count(const tflm_unit::Model *model);
HOST_EXPORT const char *tflm_unit_model_point_name(const tflm_unit::Model *model, int32_t point);
HOST_EXPORT bool tflm_unit_model_set_point(tflm_unit::Model *model, int32_t point);

HOST_EXPORT int32_t tflm_unit_model_layer_count(const tflm_unit::Model *model);
HOST_EXPORT uint32_t tflm_unit_model_weights_tensor(const tflm_unit::Model *model, int32_t layer);

// macs: total, zero, skipped. Returns false when no operator is bound to the layer.
HOST_EXPORT bool tflm_unit_model_counters(const tflm_unit::Model *model, int32_t layer,
                                          uint64_t macs[3]);
HOST_EXPORT void tflm_unit_model_reset_counters(tflm_unit::Model *model);

}  // extern "C"

#endif  // TFLM_UNIT_TFLM_HOST_HOST_API_H_
