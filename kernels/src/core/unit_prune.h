/* Internal: the thresholds of a layer as the compare schedules read them. */
#ifndef UNIT_PRUNE_H_
#define UNIT_PRUNE_H_

#include "unit_functions.h"
#include "unit_loops.h"

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

#define UNIT_LENGTHS 9 /* bit lengths of a control term: 0..8 */

/* The threshold of one output channel and what its divider reads. Control terms of one class have
 * one quotient: TABLE knows as many classes as control terms, BIT_SHIFT, BINARY_TREE and BIT_MASK
 * only bit lengths. */
typedef struct {
  int16_t value;
  unit_divider divider;
  const uint8_t *tree;     /* NULL but for BINARY_TREE */
  const uint8_t *quotient; /* by class; NULL for EXACT and UNIT_NEVER_SKIP */
  uint8_t by_length[UNIT_LENGTHS];
} unit_threshold;

/* Dividing 32 bits takes its time on small cores. */
static inline int32_t unit_group_of(const unit_prune_params *prune, int32_t channel) {
  if (channel < prune->group_size) return 0;
  return prune->group_size == 1 ? channel : channel / prune->group_size;
}

void unit_threshold_of(const unit_prune_params *prune, int32_t channel, unit_threshold *threshold);

/* Replaces |x| - 1 by the class of |x|; for TABLE that is |x| - 1, too. */
void unit_classify_terms(const unit_prune_params *prune, unit_term *term, const unit_term *end);

/* quotient[i] = div(threshold, |weight[i * step]|), UINT8_MAX for a weight of 0. A channel that
 * skips nothing gets quotients of 0: whether its zero products are left out makes no difference. */
void unit_divide_weights(const unit_threshold *threshold, const int8_t *weight, ptrdiff_t step,
                         ptrdiff_t count, uint8_t *quotient);

#endif /* UNIT_PRUNE_H_ */
