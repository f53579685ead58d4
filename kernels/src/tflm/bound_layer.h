/* An operator that runs with thresholds: what prepare works out for invoke, in the interpreter's
 * arena. */
#ifndef TFLM_UNIT_TFLM_BOUND_LAYER_H_
#define TFLM_UNIT_TFLM_BOUND_LAYER_H_

#include "core/unit_types.h"

namespace tflm_unit {

class Model;

struct BoundLayer {
  Model *model;      // nullptr once the model is gone
  BoundLayer *next;  // in the model's list
  int index;         // of the layer in the model's metadata
  int scratch;       // handle of a buffer of scratch_size bytes
  int32_t scratch_size;
  bool only_compare;        // whatever the schedule of a point, because one does not fit
  unit_counters *counters;  // nullptr unless compiled with UNIT_ENABLE_COUNTERS
  unit_quant_params quant;
  unit_dims input;
  unit_dims filter;
  unit_dims output;
  union {
    unit_conv_params conv;
    unit_dw_conv_params depthwise_conv;
    unit_fc_params fully_connected;
  } params;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_BOUND_LAYER_H_
