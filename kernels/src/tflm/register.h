/* Registrations of the overridden operators, for TFLM's op resolvers. */
#ifndef TFLM_UNIT_TFLM_REGISTER_H_
#define TFLM_UNIT_TFLM_REGISTER_H_

#include "tflm/compat.h"
#include "tflm/model.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

/* Each wraps the stock kernel of the TFLM build (reference, CMSIS-NN, ESP-NN, ...), and runs it for
 * layers without thresholds. */
tflm::Registration Register_CONV_2D_UNIT();
tflm::Registration Register_DEPTHWISE_CONV_2D_UNIT();
tflm::Registration Register_FULLY_CONNECTED_UNIT();

/* Adds the three operators to a MicroMutableOpResolver, which must not have them yet, and binds
 * what the next AllocateTensors() prepares to `model` (nullptr: to none). */
template <typename Resolver>
tflm::TfLiteStatus AddUnitOps(Resolver &resolver, Model *model) {
  Activate(model);
  tflm::TfLiteStatus status = resolver.AddConv2D(Register_CONV_2D_UNIT());
  if (status != tflm::kTfLiteOk) return status;
  status = resolver.AddDepthwiseConv2D(Register_DEPTHWISE_CONV_2D_UNIT());
  if (status != tflm::kTfLiteOk) return status;
  return resolver.AddFullyConnected(Register_FULLY_CONNECTED_UNIT());
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM

#endif  // TFLM_UNIT_TFLM_REGISTER_H_
