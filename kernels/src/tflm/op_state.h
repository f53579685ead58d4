/* What an overridden operator keeps in the interpreter's arena. */
#ifndef TFLM_UNIT_TFLM_OP_STATE_H_
#define TFLM_UNIT_TFLM_OP_STATE_H_

#include "core/unit_types.h"

namespace tflm_unit {

class Model;

struct OpState {
  void *stock_data;  // user_data of the stock kernel
  Model *model;      // nullptr: always the stock kernel
  OpState *next;     // in the model's list, once bound to a layer
  int layer;         // index in the model's metadata, -1: always the stock kernel
  int scratch;       // handle of a buffer of scratch_size bytes
  int32_t scratch_size;
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

#endif  // TFLM_UNIT_TFLM_OP_STATE_H_
