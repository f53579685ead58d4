/* tflm-unit for TensorFlow Lite Micro: the one header that a sketch includes. docs/tflm.md. */
#ifndef TFLM_UNIT_H_
#define TFLM_UNIT_H_

#include "tflm/model.h"
#include "tflm/register.h"

#endif  // TFLM_UNIT_H_
