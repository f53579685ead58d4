#include "unit_patch.h"

#include <string.h>

#include "unit_mac.h"

#ifdef UNIT_ENABLE_COUNTERS
/* Counts the products of the piece with one channel of the block. */
static void count_channel(const unit_patch *patch, int16_t index) {
  const unit_dots *dots = &patch->dots;
  const int32_t channel = (int32_t)patch->channel + index;
  const int8_t *weight = dots->weight + index * dots->weight_step;
  const uint8_t *quotient = dots->quotient;
  unit_tally tally = {0, 0, 0, patch->counters->skipped_sum != NULL};
  int skips = patch->skips;
  if (patch->prune != NULL) {
    skips = patch->prune->threshold[unit_group_of(patch->prune, channel)] > UNIT_NEVER_SKIP;
    quotient += index * dots->quotient_step;
  }
  for (const unit_term *term = dots->term; term < dots->term + dots->count; term++) {
    const int8_t w = weight[term->at];
    int skip = term->x == 0 || w == 0;
    if (patch->prune != NULL) skip = unit_magnitude(term->x) <= quotient[term->at];
    unit_tally_add(&tally, term->x, w, skips && skip);
  }
  unit_count_tally(patch->counters, channel, dots->count, &tally);
}

static void count_piece(const unit_patch *patch) {
  if (patch->counters == NULL) return;
  for (int16_t i = 0; i < patch->dots.channels; i++) count_channel(patch, i);
}
#else
static void count_piece(const unit_patch *patch) { (void)patch; }
#endif

/* Adds the products of the piece and starts the next one. */
static void run_piece(unit_patch *patch) {
  unit_dots *dots = &patch->dots;
  if (dots->count > 0) {
    count_piece(patch);
    patch->run(dots);
  }
  dots->weight += patch->at;
  if (dots->quotient != NULL) dots->quotient += patch->at;
  dots->count = 0;
  patch->at = 0;
}

static int16_t least(ptrdiff_t count, int16_t room) { return count < room ? (int16_t)count : room; }

#if !UNIT_COUNTING
static void add_elements(unit_patch *patch, const int8_t *input, ptrdiff_t count) {
  while (count > 0) {
    const int16_t filled = patch->dots.count;
    const int16_t some = least(count, (int16_t)(UNIT_PATCH_ELEMENTS - filled));
    int16_t *to = patch->piece.x + filled;
    if (input != NULL) {
      unit_expand(input, some, patch->input_offset, to);
      input += some;
    } else {
      memset(to, 0, (size_t)some * sizeof(*to));
    }
    count -= some;
    patch->at += some;
    patch->dots.count = (int16_t)(filled + some);
    if (patch->dots.count == UNIT_PATCH_ELEMENTS) run_piece(patch);
  }
}

static void add_rows_of_elements(unit_patch *patch, const int8_t *input, ptrdiff_t count,
                                 ptrdiff_t rows, ptrdiff_t step) {
  const ptrdiff_t all = patch->dots.count + rows * count;
  if (all >= UNIT_PATCH_ELEMENTS) {
    for (; rows > 0; rows--, input += step) add_elements(patch, input, count);
    return;
  }
  int16_t *to = patch->piece.x + patch->dots.count;
  for (; rows > 0; rows--, input += step, to += count) {
    unit_expand(input, (int16_t)count, patch->input_offset, to);
  }
  patch->at += all - patch->dots.count;
  patch->dots.count = (int16_t)all;
}
#endif

static void add_terms(unit_patch *patch, const int8_t *input, ptrdiff_t count) {
  if (input == NULL) {
    patch->at += count;
    return;
  }
  while (count > 0) {
    /* Small remainders of the piece are not worth their calls; indices of weights have to fit. */
    if (patch->dots.count > UNIT_PATCH_TERMS - UNIT_PATCH_ROOM ||
        patch->at > INT16_MAX - UNIT_PATCH_TERMS) {
      run_piece(patch);
    }
    const int16_t filled = patch->dots.count;
    const int16_t some = least(count, (int16_t)(UNIT_PATCH_TERMS - filled));
    unit_term *to = patch->piece.term + filled;
    to->at = (uint16_t)patch->at;
    to = unit_collect(input, some, patch->input_offset, to);
    input += some;
    count -= some;
    patch->at += some;
    patch->dots.count = (int16_t)(to - patch->piece.term);
  }
}

static void add_rows_of_terms(unit_patch *patch, const int8_t *input, ptrdiff_t count,
                              ptrdiff_t rows, ptrdiff_t step) {
  if (patch->dots.count + rows * count > UNIT_PATCH_TERMS ||
      patch->at > INT16_MAX - UNIT_PATCH_TERMS) {
    for (; rows > 0; rows--, input += step) add_terms(patch, input, count);
    return;
  }
  unit_term *to = patch->piece.term + patch->dots.count;
  for (; rows > 0; rows--, input += step) {
    to->at = (uint16_t)patch->at;
    to = unit_collect(input, (int16_t)count, patch->input_offset, to);
    patch->at += count;
  }
  patch->dots.count = (int16_t)(to - patch->piece.term);
}

static void init(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                 ptrdiff_t weight_step) {
  patch->input_offset = (int16_t)input_offset;
  patch->dots.x = patch->piece.x;
  patch->dots.term = patch->piece.term;
  patch->dots.weight_step = weight_step;
  patch->dots.quotient_step = weight_step;
  patch->add = add_terms;
  patch->add_rows = add_rows_of_terms;
#ifdef UNIT_ENABLE_COUNTERS
  patch->counters = unit_context_counters(ctx);
  patch->skips = 0;
  patch->prune = NULL;
#else
  (void)ctx;
#endif
}

void unit_patch_init_dense(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                           ptrdiff_t weight_step) {
  init(patch, ctx, input_offset, weight_step);
#if UNIT_COUNTING
  patch->run = unit_dot_terms; /* which know what is padding */
#else
  patch->run = unit_dot;
  patch->add = add_elements;
  patch->add_rows = add_rows_of_elements;
#endif
}

void unit_patch_init_zero_skip(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                               ptrdiff_t weight_step) {
  init(patch, ctx, input_offset, weight_step);
  patch->run = unit_dot_terms;
#ifdef UNIT_ENABLE_COUNTERS
  patch->skips = 1;
#endif
}

void unit_patch_init_compare(unit_patch *patch, const unit_context *ctx, int32_t input_offset,
                             ptrdiff_t weight_step, const unit_prune_params *prune) {
  init(patch, ctx, input_offset, weight_step);
  patch->run = unit_dot_terms_above;
#ifdef UNIT_ENABLE_COUNTERS
  patch->prune = prune;
#else
  (void)prune;
#endif
}

void unit_patch_begin(unit_patch *patch, int32_t *acc, ptrdiff_t channel, int16_t channels,
                      const int8_t *weight, const uint8_t *quotient) {
  patch->dots.acc = acc;
  patch->dots.weight = weight;
  patch->dots.quotient = quotient;
  patch->dots.channels = channels;
  patch->dots.count = 0;
  patch->at = 0;
  memset(acc, 0, (size_t)channels * sizeof(*acc));
#ifdef UNIT_ENABLE_COUNTERS
  patch->channel = channel;
#else
  (void)channel;
#endif
}

void unit_patch_end(unit_patch *patch) { run_piece(patch); }
