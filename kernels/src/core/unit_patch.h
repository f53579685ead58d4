/* Internal: the activations that one output sees, gathered once for a block of output channels. A
 * schedule of CONV_2D or FULLY_CONNECTED is a way to gather them and a loop that adds up products.
 */
#ifndef UNIT_PATCH_H_
#define UNIT_PATCH_H_

#include "unit_loops.h"
#include "unit_output.h"
#include "unit_prune.h"

#define UNIT_PATCH_CHANNELS 32  /* output channels in a block, at most */
#define UNIT_PATCH_SUMS 128     /* sums that wait to be stored */
#define UNIT_PATCH_ELEMENTS 192 /* activations in a piece of a patch (dense) */
#define UNIT_PATCH_TERMS 64     /* activations that are not zero in a piece of a patch */
#define UNIT_PATCH_ROOM 16      /* a piece with less room than this is full */

typedef struct unit_patch unit_patch;

/* input: NULL for padding. */
typedef void (*unit_patch_add)(unit_patch *patch, const int8_t *input, ptrdiff_t count);

/* The same for rows of `count` activations, `step` apart, without padding. */
typedef void (*unit_patch_add_rows)(unit_patch *patch, const int8_t *input, ptrdiff_t count,
                                    ptrdiff_t rows, ptrdiff_t step);

struct unit_patch {
  unit_dots dots; /* of the piece that is being gathered */
  unit_patch_add add;
  unit_patch_add_rows add_rows;
  void (*run)(const unit_dots *dots);
  int16_t input_offset;
  ptrdiff_t at; /* elements of the patch before the next one, counted from the piece's first */
  int32_t acc[UNIT_PATCH_SUMS]; /* [positions][channels] */
  union {
    int16_t x[UNIT_PATCH_ELEMENTS];
    unit_term term[UNIT_PATCH_TERMS];
  } piece;
#ifdef UNIT_ENABLE_COUNTERS
  unit_counters *counters;
  ptrdiff_t channel;              /* the block's first */
  int skips;                      /* whether zero products are skipped */
  const unit_prune_params *prune; /* compare only */
#endif
};

/* The schedules. weight_step: weights from one output channel to the next. */
void unit_patch_init_dense(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                           ptrdiff_t weight_step);
void unit_patch_init_zero_skip(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                               ptrdiff_t weight_step);
/* prune has passed unit_prune_is_complete(). */
void unit_patch_init_compare(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                             ptrdiff_t weight_step, const unit_prune_params *prune);

/* Starts a patch with accumulators of 0. acc: where in the patch's they are; weight: of the block's
 * first channel; quotient: of the same, with weight_step quotients per channel (compare), else
 * NULL. */
void unit_patch_begin(unit_patch *patch, int32_t *acc, ptrdiff_t channel, int16_t channels,
                      const int8_t *weight, const uint8_t *quotient);

/* Ends the patch: its accumulators then hold the sums. */
void unit_patch_end(unit_patch *patch);

#endif /* UNIT_PATCH_H_ */
