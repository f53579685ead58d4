/* Delegating registrations. An override holds the stock registration of its operator, gives it its
 * own user_data, and takes over invoke for layers that have thresholds at the current operating
 * point. */
#ifndef TFLM_UNIT_TFLM_OVERRIDE_H_
#define TFLM_UNIT_TFLM_OVERRIDE_H_

#include "core/unit_types.h"
#include "tflm/bound_layer.h"
#include "tflm/compat.h"
#include "tflm/metadata.h"
#include "tflm/node_tensors.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

/* Data pointers of one invocation. */
struct OpData {
  const int8_t *input;
  const int8_t *filter;
  const int32_t *bias;
  int8_t *output;
};

/* What differs between the operators. */
struct OpKind {
  uint8_t op;  // BuiltinOperator
  tflm::Registration (*stock)();
  /* Fills `scales`, and dims and params of `layer`, from builtin_data and the tensors. Allocates
   * nothing. Returns nullptr, or why the core cannot run this layer. */
  const char *(*setup)(tflm::TfLiteContext *context, const void *builtin_data,
                       const NodeTensors &tensors, BoundLayer *layer, Scales *scales);
  /* Counts the activations of a layer that is set up from `distance` above the zero point. Returns
   * nullptr, or why it cannot. */
  const char *(*center)(int32_t distance, BoundLayer *layer);
  /* What plans must fit. */
  PlanGeometry (*geometry)(const BoundLayer &layer);
  /* Bytes that run() needs for the schedule of `pruning`; -1: it cannot run the layer. */
  int32_t (*scratch_size)(const BoundLayer &layer, const Pruning &pruning);
  unit_status (*run)(const BoundLayer &layer, const unit_context &scratch, const Pruning &pruning,
                     const OpData &data);
};

void *InitOp(const OpKind &kind, tflm::TfLiteContext *context, const char *buffer, size_t length);
void FreeOp(const OpKind &kind, tflm::TfLiteContext *context, void *user_data);
tflm::TfLiteStatus PrepareOp(const OpKind &kind, tflm::TfLiteContext *context,
                             tflm::TfLiteNode *node);
tflm::TfLiteStatus InvokeOp(const OpKind &kind, tflm::TfLiteContext *context,
                            tflm::TfLiteNode *node);

/* TFLM's function pointers carry no context, so each operator gets thin functions of its own. */
template <const OpKind &kKind>
struct Override {
  static void *Init(tflm::TfLiteContext *context, const char *buffer, size_t length) {
    return InitOp(kKind, context, buffer, length);
  }
  static void Free(tflm::TfLiteContext *context, void *user_data) {
    FreeOp(kKind, context, user_data);
  }
  static tflm::TfLiteStatus Prepare(tflm::TfLiteContext *context, tflm::TfLiteNode *node) {
    return PrepareOp(kKind, context, node);
  }
  static tflm::TfLiteStatus Invoke(tflm::TfLiteContext *context, tflm::TfLiteNode *node) {
    return InvokeOp(kKind, context, node);
  }
  static tflm::Registration Register() {
    // A copy of the stock registration, because its other members differ between TFLM versions. No
    // stock kernel of these operators has state to reset.
    tflm::Registration registration = kKind.stock();
    registration.init = Init;
    registration.free = Free;
    registration.prepare = Prepare;
    registration.invoke = Invoke;
    return registration;
  }
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM

#endif  // TFLM_UNIT_TFLM_OVERRIDE_H_
