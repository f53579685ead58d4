/* Internal: the inner loops of CONV_2D and FULLY_CONNECTED. Each has a C reference, ..._c, and may
 * have a per-core version; the name without suffix is the one that the kernels call. UNIT_C_LOOPS
 * asks for C; builds with UNIT_ENABLE_COUNTERS count in loops of their own beside the C versions.
 *
 * MSP430 versions use the hardware multiplier whose registers start at UNIT_MSP430_MPY (0x0130 for
 * the 16-bit multiplier, 0x04C0 for MPY32), or a table of squares where that is not defined. An
 * interrupt routine that multiplies would disturb a running sum, so they keep interrupts disabled
 * for one sum at a time: at most UNIT_PATCH_ELEMENTS products, UNIT_COLUMN outputs of a column or a
 * list of a plan, about 2500 cycles. UNIT_MSP430_KEEP_INTERRUPTS lifts that where no interrupt
 * routine multiplies.
 */
#ifndef UNIT_LOOPS_H_
#define UNIT_LOOPS_H_

#include "unit_types.h"

#if defined(__MSP430__) && !defined(UNIT_C_LOOPS) && !defined(UNIT_ENABLE_COUNTERS)
#define UNIT_MSP430_LOOPS
#endif

/* One activation of a patch that is worth a look. */
typedef struct {
  uint16_t below; /* |x| - 1, so that skipping is below < quotient; 65535 for x = 0.
                   * FULLY_CONNECTED: replaced by the class, see unit_prune.h, or the quotient */
  uint16_t at;    /* index of its weight */
  int16_t x;      /* activation with the input offset added: -255..255 */
} unit_term;

/* Sums for several output channels that see the same activations. */
typedef struct {
  const int16_t *x;        /* [count] activations with the input offset added (unit_dot); 4-byte
                            * aligned */
  const unit_term *term;   /* [count] (the others) */
  const int8_t *weight;    /* the first channel's */
  const uint8_t *quotient; /* the first channel's (unit_dot_terms_above) */
  ptrdiff_t weight_step;   /* elements from one channel to the next */
  ptrdiff_t quotient_step; /* elements from one channel to the next */
  int32_t *acc;            /* [channels] */
  int16_t count;           /* >= 1 */
  int16_t channels;        /* >= 1 */
} unit_dots;

/* Columns of FULLY_CONNECTED's weights, each those of one activation. */
typedef struct {
  const unit_term *term; /* [count] */
  const int8_t *weight;  /* the first output's */
  ptrdiff_t step;        /* elements from one output to the next */
  int32_t *acc;          /* [outputs] */
  int16_t count;         /* >= 1 */
  int16_t outputs;       /* 1..UNIT_COLUMN */
} unit_columns;

#define UNIT_COLUMN 64

/* Some activations of an image row and the lists of a plan that they walk (docs/planned.md):
 * `positions` of one column phase, each with the input channels of a group. */
typedef struct {
  const int8_t *input;     /* the first activation */
  const uint8_t *class_of; /* this and the next three: as in unit_plan */
  const int8_t *weight;
  const uint8_t *at;
  const uint8_t *critical;
  const uint8_t *count;  /* the first channel's: that of its first list to be walked */
  const uint32_t *first; /* the first channel's */
  const uint16_t *row;   /* [lists + 1] accumulators from acc to the list's row, each below 2^15;
                          * then UINT16_MAX */
  int32_t *acc;          /* where the first position's lists begin in the first row */
  ptrdiff_t input_step;  /* activations from one position to the next */
  ptrdiff_t count_step;  /* counts from one channel to the next */
  int16_t acc_step;      /* accumulators from one position to the next */
  int16_t positions;     /* >= 1 */
  int16_t channels;      /* >= 1 */
  int16_t passed;        /* lists of a channel before those that are walked */
  int16_t lists;         /* of a channel that are walked, >= 1 */
  int16_t classes;
  int16_t input_offset;
} unit_plan_row;

/* Activations of FULLY_CONNECTED, each with one list; the lists follow each other. */
typedef struct {
  const int8_t *input;     /* the first activation */
  const int8_t *end;       /* behind the last one */
  const uint8_t *class_of; /* as in unit_plan */
  const int8_t *weight;    /* this and the next three: of the first list */
  const uint8_t *at;
  const uint8_t *critical; /* NULL: the class tells */
  const uint8_t *count;
  int32_t *acc;
  int16_t classes;
  int16_t input_offset;
} unit_plan_inputs;

/* to[i] = input[i] + offset. count: >= 1 */
void unit_expand_c(const int8_t *input, int16_t count, int16_t offset, int16_t *to);

/* Writes the terms of input[0..count-1] that are not zero and returns their end. to->at must hold
 * the index of input[0]'s weight. count: >= 1; `to` has room for count terms. */
unit_term *unit_collect_c(const int8_t *input, int16_t count, int16_t offset, unit_term *to);

/* acc[o] += sum of x[i] * weight[o][i] */
void unit_dot_c(const unit_dots *dots);

/* A tap of DEPTHWISE_CONV_2D and the outputs of one channel that it is added to: rows x columns.
 * Steps count elements. */
typedef struct {
  const int16_t *x;     /* what the first output meets, with the input offset; 0 in the padding */
  ptrdiff_t x_step;     /* from one output to the next */
  ptrdiff_t x_row;      /* from one row of outputs to the next */
  ptrdiff_t x_tap;      /* from one tap to the next (unit_add_taps_3) */
  const int8_t *weight; /* of the channel */
  ptrdiff_t weight_tap; /* from one tap to the next */
  int32_t *acc;         /* [rows][columns] */
  int16_t rows;         /* >= 1 */
  int16_t columns;      /* >= 1 */
  uint8_t quotient;     /* (unit_add_tap_above) */
} unit_tap;

/* acc += x * weight */
void unit_add_tap_c(const unit_tap *tap);

/* The same where |x| > quotient. */
void unit_add_tap_above_c(const unit_tap *tap);

/* The same for three neighbours of a kernel row. */
void unit_add_taps_3_c(const unit_tap *tap);

/* acc[o] += sum of term.x * weight[o][term.at] */
void unit_dot_terms_c(const unit_dots *dots);

/* The same over the terms with |x| > quotient[o][term.at] */
void unit_dot_terms_above_c(const unit_dots *dots);

/* acc[o] += term.x * weight[o][term.at] where |weight| > quotient. Quotients from 128 on skip all.
 */
void unit_add_columns_c(const unit_columns *columns);

/* Sum of term.x * weight[term.at] where |weight| > quotient[term.below]. count: >= 1 */
int32_t unit_sum_above_quotients_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   const uint8_t *quotient);

/* Sum of the products term.x * weight[term.at] whose magnitude is above the threshold, which is
 * >= 0. count: >= 1 */
int32_t unit_sum_above_threshold_c(const int8_t *weight, const unit_term *term, int16_t count,
                                   int16_t threshold);

/* A weight that walks sorted activations. */
typedef struct {
  int32_t *acc;  /* where a position of 0 falls */
  int16_t w;     /* -128..128 */
  int16_t count; /* activations that it needs */
} unit_sorted_tap;

/* acc[at[i] / 4] += x[i] * w: a weight of activation_sorted meets its
 * survivors. at: bytes from acc, no two alike; x: magnitudes, the sign is w's;
 * count: >= 1; w: -128..128. Sums may wrap around. */
void unit_walk_sorted_c(const uint16_t *at, const uint8_t *x, int16_t count, int16_t w,
                        int32_t *acc);

/* The same for four weights that need the same activations. */
void unit_walk_sorted_4_c(const uint16_t *at, const uint8_t *x, int16_t count,
                          const unit_sorted_tap *taps);

/* The same where each tap's acc is one before that of the tap before it. */
void unit_walk_sorted_row_c(const uint16_t *at, const uint8_t *x, int16_t count,
                            const unit_sorted_tap *taps);

/* A weight of activation_sorted's DEPTHWISE_CONV_2D: its products belong `at` bytes from an input's
 * position. */
typedef struct {
  ptrdiff_t at;
  ptrdiff_t w;
} unit_needed_tap;

#define UNIT_NEEDED_TAPS 16 /* taps that walk together */

/* Inputs of one channel, and the taps that they meet. Steps count elements. */
typedef struct {
  const int8_t *input;        /* the first one */
  ptrdiff_t step;             /* from one input of a row to the next */
  ptrdiff_t row_step;         /* from one row to the next */
  ptrdiff_t columns;          /* >= 1 */
  ptrdiff_t rows;             /* >= 1 */
  int32_t *acc;               /* position of the first input */
  ptrdiff_t pitch;            /* accumulators from one row to the next */
  const uint8_t *needs;       /* [-128..127] by an input's value: how many taps it needs */
  const unit_needed_tap *tap; /* [UNIT_NEEDED_TAPS] */
  ptrdiff_t offset;           /* added to the inputs */
} unit_tap_inputs;

/* acc[position + at / 4] += x * w for the taps that each input needs, the first ones. Sums may wrap
 * around. */
void unit_walk_taps_c(const unit_tap_inputs *inputs);

/* to[0..count-1] = value */
void unit_fill_c(uint32_t *to, ptrdiff_t count, uint32_t value);

/* acc[at[i] / 4] += x * weight[i] for all entries that count: an activation of class 0 is passed
 * over; of each list of another class, the first count[class - 1] entries count for sure. Where
 * critical is not NULL, those behind them, up to count[class] (all, in the last class), are tried:
 * they count up to the first one with |x| < critical. The last of the `classes` counts of a list
 * is its length. Sums may wrap around. */
void unit_plan_walk_c(const unit_plan_row *row);

/* The same for FULLY_CONNECTED. Returns the end of the last list's weights. */
const int8_t *unit_plan_walk_inputs_c(const unit_plan_inputs *inputs);

#ifdef UNIT_MSP430_LOOPS
void unit_expand_msp430(const int8_t *input, int16_t count, int16_t offset, int16_t *to);
unit_term *unit_collect_msp430(const int8_t *input, int16_t count, int16_t offset, unit_term *to);
void unit_dot_msp430(const unit_dots *dots);
void unit_dot_terms_msp430(const unit_dots *dots);
void unit_dot_terms_above_msp430(const unit_dots *dots);
void unit_add_columns_msp430(const unit_columns *columns);
int32_t unit_sum_above_quotients_msp430(const int8_t *weight, const unit_term *term, int16_t count,
                                        const uint8_t *quotient);
int32_t unit_sum_above_threshold_msp430(const int8_t *weight, const unit_term *term, int16_t count,
                                        int16_t threshold);
void unit_walk_sorted_msp430(const uint16_t *at, const uint8_t *x, int16_t count, int16_t w,
                             int32_t *acc);
void unit_fill_msp430(uint32_t *to, ptrdiff_t count, uint32_t value);
void unit_plan_walk_msp430(const unit_plan_row *row);
const int8_t *unit_plan_walk_inputs_msp430(const unit_plan_inputs *inputs);
#define UNIT_LOOP(name) name##_msp430
#else
#define UNIT_LOOP(name) name##_c
#endif

#define unit_expand UNIT_LOOP(unit_expand)
#define unit_collect UNIT_LOOP(unit_collect)
#define unit_add_columns UNIT_LOOP(unit_add_columns)
#define unit_sum_above_quotients UNIT_LOOP(unit_sum_above_quotients)
#define unit_sum_above_threshold UNIT_LOOP(unit_sum_above_threshold)

/* Cortex-M */
#if defined(__thumb__) && !defined(UNIT_C_LOOPS)
void unit_dot_thumb(const unit_dots *dots);
#define unit_dot unit_dot_thumb
/* Two and four channels. step: weights from one channel to the next */
void unit_dot_2_thumb(const int16_t *x, int16_t count, const int8_t *weight, ptrdiff_t step,
                      int32_t *acc);
void unit_dot_4_thumb(const int16_t *x, int16_t count, const int8_t *weight, ptrdiff_t step,
                      int32_t *acc);
void unit_walk_sorted_thumb(const uint16_t *at, const uint8_t *x, int16_t count, int16_t w,
                            int32_t *acc);
void unit_fill_thumb(uint32_t *to, ptrdiff_t count, uint32_t value);
#define unit_walk_sorted unit_walk_sorted_thumb
#define unit_fill unit_fill_thumb
void unit_walk_taps_thumb(const unit_tap_inputs *inputs);
#define unit_walk_taps unit_walk_taps_thumb
#else
#define unit_dot UNIT_LOOP(unit_dot)
#define unit_walk_sorted UNIT_LOOP(unit_walk_sorted)
#define unit_fill UNIT_LOOP(unit_fill)
#define unit_walk_taps unit_walk_taps_c
#endif
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
void unit_walk_sorted_4_thumb(const uint16_t *at, const uint8_t *x, int16_t count,
                              const unit_sorted_tap *taps);
void unit_walk_sorted_row_thumb(const uint16_t *at, const uint8_t *x, int16_t count,
                                const unit_sorted_tap *taps);
#define unit_walk_sorted_4 unit_walk_sorted_4_thumb
#define unit_walk_sorted_row unit_walk_sorted_row_thumb
void unit_add_taps_3_thumb(const unit_tap *tap);
void unit_dot_terms_thumb(const unit_dots *dots);
void unit_dot_terms_above_thumb(const unit_dots *dots);
#define unit_dot_terms unit_dot_terms_thumb
#define unit_dot_terms_above unit_dot_terms_above_thumb
void unit_dot_terms_2_thumb(const unit_term *term, int16_t count, const int8_t *weight,
                            ptrdiff_t step, int32_t *acc);
void unit_dot_terms_4_thumb(const unit_term *term, int16_t count, const int8_t *weight,
                            ptrdiff_t step, int32_t *acc);
void unit_dot_terms_above_2_thumb(const unit_dots *dots); /* its first two channels */
#define unit_add_taps_3 unit_add_taps_3_thumb
#else
#define unit_add_taps_3 unit_add_taps_3_c
#define unit_dot_terms UNIT_LOOP(unit_dot_terms)
#define unit_dot_terms_above UNIT_LOOP(unit_dot_terms_above)
#define unit_walk_sorted_4 unit_walk_sorted_4_c
#define unit_walk_sorted_row unit_walk_sorted_row_c
#endif

#define unit_add_tap unit_add_tap_c
#define unit_add_tap_above unit_add_tap_above_c

#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
void unit_plan_walk_thumb2(const unit_plan_row *row);
const int8_t *unit_plan_walk_inputs_thumb2(const unit_plan_inputs *inputs);
#define unit_plan_walk unit_plan_walk_thumb2
#define unit_plan_walk_inputs unit_plan_walk_inputs_thumb2
#elif defined(__thumb__) && !defined(UNIT_C_LOOPS)
void unit_plan_walk_thumb1(const unit_plan_row *row);
const int8_t *unit_plan_walk_inputs_thumb1(const unit_plan_inputs *inputs);
#define unit_plan_walk unit_plan_walk_thumb1
#define unit_plan_walk_inputs unit_plan_walk_inputs_thumb1
#else
#define unit_plan_walk UNIT_LOOP(unit_plan_walk)
#define unit_plan_walk_inputs UNIT_LOOP(unit_plan_walk_inputs)
#endif

#endif /* UNIT_LOOPS_H_ */
