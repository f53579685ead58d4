/* Internal: what the schedules of FULLY_CONNECTED share. */
#ifndef UNIT_FULLY_CONNECTED_WALK_H_
#define UNIT_FULLY_CONNECTED_WALK_H_

#include "unit_mac.h"
#include "unit_output.h"
#include "unit_prune.h"

/* One row of outputs from its accumulators. compensation: NULL when there is none. */
static inline void unit_fully_connected_store(const unit_fc_params *params,
                                              const unit_quant_params *quant, const int32_t *bias,
                                              const int32_t *compensation, const int32_t *acc,
                                              int32_t outputs, int8_t *output) {
  for (int32_t o = 0; o < outputs; o++) {
    const unit_output channel = unit_output_of_channel(
        quant, &params->activation, params->output_offset, bias, compensation, o);
    output[o] = unit_output_value(&channel, acc[o]);
  }
}

#endif /* UNIT_FULLY_CONNECTED_WALK_H_ */
