// The wheel's interpreter has all built-in operators in its resolver already, and no way to add one
// of them again; so their registrations are replaced where they are. Every interpreter has its own
// resolver: others are not affected.
#include "host_api.h"
#include "tflm/register.h"

namespace {

using tflite::BuiltinOperator;
using tflm_unit::tflm::Registration;

bool Replace(const tflite::micro::MicroOpResolver &resolver, BuiltinOperator op,
             const Registration &ours) {
  const Registration *found = resolver.FindOp(op);
  if (found == nullptr) return false;
  Registration *theirs = const_cast<Registration *>(found);
  theirs->init = ours.init;
  theirs->free = ours.free;
  theirs->prepare = ours.prepare;
  theirs->invoke = ours.invoke;
  return true;
}

}  // namespace

bool tflm_unit_override_ops(tflite::micro::MicroOpResolver *resolver) {
  return Replace(*resolver, tflite::BuiltinOperator_CONV_2D, tflm_unit::Register_CONV_2D_UNIT()) &&
         Replace(*resolver, tflite::BuiltinOperator_DEPTHWISE_CONV_2D,
                 tflm_unit::Register_DEPTHWISE_CONV_2D_UNIT()) &&
         Replace(*resolver, tflite::BuiltinOperator_FULLY_CONNECTED,
                 tflm_unit::Register_FULLY_CONNECTED_UNIT());
}
