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

/* div(T, control) for a group whose threshold T is not UNIT_NEVER_SKIP. */
static inline uint8_t unit_prune_quotient(const unit_prune_params *prune, int32_t group,
                                          uint8_t control) {
  const uint8_t *row = NULL;
  if (prune->divider == UNIT_DIVIDER_TABLE) {
    row = prune->table + (size_t)prune->table_row[group] * UNIT_TABLE_ROW;
  }
  return unit_divide(prune->divider, prune->threshold[group], control, prune->tree, row);
}

#endif /* UNIT_PRUNE_H_ */
