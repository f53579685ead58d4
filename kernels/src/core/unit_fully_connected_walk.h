/* Internal: what the schedules of FULLY_CONNECTED share. */
#ifndef UNIT_FULLY_CONNECTED_WALK_H_
#define UNIT_FULLY_CONNECTED_WALK_H_

#include "unit_patch.h"

/* A layer. */
typedef struct {
  const unit_fc_params *params;
  const unit_quant_params *quant;
  const int32_t *bias;
  const int32_t *compensation; /* NULL when there is none */
} unit_fc_walk;

/* Outputs first..first+count-1 of one row from their accumulators. */
void unit_fully_connected_store(const unit_fc_walk *walk, const int32_t *acc, int32_t first,
                                int16_t count, int8_t *output);

/* All rows, in blocks of outputs. The patch of an output is its row of inputs. */
void unit_fully_connected_walk_run(const unit_fc_walk *walk, unit_patch *patch,
                                   const unit_dims *input_dims, const int8_t *input,
                                   const unit_dims *filter_dims, const int8_t *filter,
                                   int8_t *output);

#endif /* UNIT_FULLY_CONNECTED_WALK_H_ */
