/* Internal: the thresholds of a layer as the compare schedules read them. */
#ifndef UNIT_PRUNE_H_
#define UNIT_PRUNE_H_

#include "unit_functions.h"

/* The scratch buffer, or NULL when there is none of at least `size` bytes. */
static inline void *unit_scratch(const unit_context *ctx, int32_t size) {
  return ctx != NULL && ctx->size >= size ? ctx->buf : NULL;
}

/* Whether everything that the divider reads is there. */
static inline int unit_prune_is_complete(const unit_prune_params *prune) {
  if (prune == NULL || prune->threshold == NULL || prune->group_size < 1) return 0;
  switch (prune->divider) {
    case UNIT_DIVIDER_EXACT:
    case UNIT_DIVIDER_BIT_SHIFT:
    case UNIT_DIVIDER_BIT_MASK:
      return 1;
    case UNIT_DIVIDER_BINARY_TREE:
      return prune->tree != NULL;
    case UNIT_DIVIDER_TABLE:
      return prune->table != NULL && prune->table_row != NULL;
    default:
      return 0;
  }
}

/* The threshold of one output channel and what its divider reads. */
typedef struct {
  int16_t value;
  unit_divider divider;
  const uint8_t *tree;
  const uint8_t *row;
} unit_threshold;

static inline unit_threshold unit_threshold_of(const unit_prune_params *prune, int32_t channel) {
  const int32_t group = channel / prune->group_size;
  unit_threshold threshold;
  threshold.value = prune->threshold[group];
  threshold.divider = prune->divider;
  threshold.tree = prune->tree;
  threshold.row = NULL;
  if (prune->divider == UNIT_DIVIDER_TABLE && threshold.value > UNIT_NEVER_SKIP) {
    threshold.row = prune->table + (size_t)prune->table_row[group] * UNIT_TABLE_ROW;
  }
  return threshold;
}

/* div(threshold, control) for a threshold that is not UNIT_NEVER_SKIP; UINT8_MAX for a control of
 * 0.
 */
static inline uint8_t unit_quotient(const unit_threshold *threshold, uint8_t control) {
  if (control == 0) return UINT8_MAX;
  if (threshold->row != NULL) return threshold->row[control];
  return unit_divide(threshold->divider, threshold->value, control, threshold->tree, NULL);
}

#endif /* UNIT_PRUNE_H_ */
