/* The one header that a sketch includes: the core kernels that generated C calls (docs/export.md),
 * and, where TensorFlow Lite Micro is, the overrides of its operators (docs/tflm.md). */
#ifndef TFLM_UNIT_H_
#define TFLM_UNIT_H_

#include "core/unit_version.h"
#include "tflm_unit_core.h"

#ifdef __cplusplus
#include "tflm/compat.h"
#if TFLM_UNIT_HAVE_TFLM
#include "tflm/model.h"
#include "tflm/register.h"
#endif
#endif

#endif /* TFLM_UNIT_H_ */
