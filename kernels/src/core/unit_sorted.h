/* Internal: the activation_sorted schedule of CONV_2D and DEPTHWISE_CONV_2D (a
 * convolution with groups of one input channel).
 *
 * The inputs of one channel are sorted by magnitude, largest first, zeros left
 * out: those that a weight needs are then the first ones of the list, and a
 * table by magnitude tells how many. With a stride, a kernel tap meets only the
 * inputs of one phase per axis; each phase has a list of its own. A list keeps
 * positive inputs before negative ones, as magnitudes, and each input's
 * position as a byte offset into a plane of accumulators of one output channel.
 * A tap shifts that by a constant. Positions that some tap shifts out of the
 * output fall on slack: rows before and after the plane, and columns that the
 * end of a row shares with the beginning of the next.
 *
 * Scratch holds either the lists of all input channels of a group and one plane
 * of accumulators, or one list and the planes of all output channels of the
 * group, whichever is smaller, and one output channel's quotients for one input
 * channel. In bytes, divisions rounding down unless said otherwise, all along
 * one axis unless said otherwise: period = stride / gcd(stride, dilation)
 * phases = min(kernel, period) first = padding / stride last = (input - 1 +
 * padding) / stride before = max(0, (kernel - 1) * dilation / stride - first)
 *   after = max(0, last - (output - 1))
 *   pitch = output.w + max(before.w, after.w)
 *   plane = 4 * (before.w + pitch * (before.h + output.h + after.h))
 *   entries = ceil(input.h / stride.h) * ceil(input.w / stride.w)
 *   list = 3 * entries + (input_offset == 128 ? 516 : 1028), rounded up to 4
 *   lists = input channels of a group * phases.h * phases.w
 *   size = min(lists * list + plane, list + output channels of a group * plane)
 *          + kernel.h * kernel.w rounded up to 4
 * Positions have 16 bits: the layer runs only if
 *   4 * ((last.h - first.h) * pitch + last.w - first.w) <= 65535
 */
#ifndef UNIT_SORTED_H_
#define UNIT_SORTED_H_

#include "unit_mac.h"
#include "unit_output.h"
#include "unit_prune.h"

/* Whether unit_walk_sorted_4 pays: it takes 14 registers. */
#ifndef UNIT_SORTED_FOURS
#if defined(__MSP430__) || (defined(__thumb__) && !defined(__thumb2__))
#define UNIT_SORTED_FOURS 0
#else
#define UNIT_SORTED_FOURS 1
#endif
#endif

#define UNIT_SORTED_TAPS 32 /* weights that are put in order together */
#ifndef UNIT_SORTED_FEW
#define UNIT_SORTED_FEW 32 /* inputs for which that does not pay */
#endif

/* Along one axis. ptrdiff_t is as wide as a pointer: 16 bits on MSP430, where
 * 32 take their time.
 */
typedef struct {
  ptrdiff_t input;
  ptrdiff_t kernel;
  ptrdiff_t output;
  ptrdiff_t stride;
  ptrdiff_t padding;
  ptrdiff_t dilation;
  ptrdiff_t period;   /* taps that far apart meet the same inputs */
  ptrdiff_t phases;   /* lists along this axis: that of tap k is k mod period */
  ptrdiff_t tap_step; /* outputs between taps that are a period apart */
  ptrdiff_t first;    /* output that tap 0 makes of the first input */
  ptrdiff_t last;     /* of the last input */
  ptrdiff_t before;   /* slack before the outputs */
  ptrdiff_t after;    /* slack after the outputs */
} unit_sorted_axis;

/* A layer. Steps and planes count elements. */
typedef struct {
  unit_sorted_axis y;
  unit_sorted_axis x;
  ptrdiff_t images;
  ptrdiff_t groups;
  ptrdiff_t depth;         /* input channels of one group */
  ptrdiff_t channels;      /* output channels of one group */
  ptrdiff_t weight_output; /* weights from one output channel to the next */
  ptrdiff_t weight_tap;    /* weights from one tap to the next */
  ptrdiff_t pitch;         /* accumulators from one row of outputs to the next */
  ptrdiff_t plane;         /* accumulators of one output channel */
  ptrdiff_t entries;       /* of a list, at most */
  ptrdiff_t list_bytes;
  int32_t size;    /* bytes of scratch; -1: the layer cannot run */
  int is_signed;   /* whether inputs below the zero point exist */
  int last_sign;   /* -1: there are inputs below the zero point; else 1 */
  int keeps_lists; /* whether scratch holds all lists and not all planes */
  int32_t input_offset;
  int32_t output_offset;
  const unit_activation *activation;
  const unit_quant_params *quant;
  const unit_prune_params *prune;
  const int8_t *input;
  const int8_t *filter;
  const int32_t *bias;
  int8_t *output;
  unit_counters *counters;
} unit_sorted;

/* One list: the inputs of one channel and phase. */
typedef struct {
  uint16_t *end; /* by x, -256..256 (0..256 where no input is negative): while sorting, where the
                  * next entry of x goes; then, the end of those of x. [1]: of all positive ones */
  uint16_t *at;  /* [entries] bytes from the first position of the plane */
  uint8_t *x;    /* [entries] magnitudes */
} unit_sorted_list;

/* Of the inputs, by row and column. */
typedef struct {
  ptrdiff_t y;
  ptrdiff_t x;
} unit_sorted_phase;

/* The weights between one input and one output channel. */
typedef struct {
  const int8_t *weight;
  const uint8_t *quotient;
  int32_t *acc; /* plane */
} unit_sorted_kernel;

/* Weights that walk together, and the part of a list that they walk. */
typedef struct {
  int sign;              /* of the inputs */
  int first;             /* entry */
  const uint16_t *table; /* by sign * quotient: the end of the entries beyond it */
  const uint16_t *at;
  const uint8_t *x;
#if UNIT_SORTED_FOURS
  unit_sorted_tap *end;
  unit_sorted_tap tap[UNIT_SORTED_TAPS]; /* those that need most inputs first */
#endif
} unit_sorted_taps;

/* Shapes and scratch of a layer. The size is -1 where the dimensions do not
 * match or positions do not fit. */
void unit_sorted_init_conv(unit_sorted *layer, const unit_conv_params *params,
                           const unit_dims *input_dims, const unit_dims *filter_dims,
                           const unit_dims *output_dims);
void unit_sorted_init_depthwise(unit_sorted *layer, const unit_dw_conv_params *params,
                                const unit_dims *input_dims, const unit_dims *filter_dims,
                                const unit_dims *output_dims);

/* The rest. */
static inline void unit_sorted_init_data(unit_sorted *layer, const unit_context *ctx,
                                         const unit_quant_params *quant,
                                         const unit_prune_params *prune, const int8_t *input,
                                         const int8_t *filter, const int32_t *bias,
                                         int8_t *output) {
  layer->quant = quant;
  layer->prune = prune;
  layer->input = input;
  layer->filter = filter;
  layer->bias = bias;
  layer->output = output;
  layer->counters = unit_context_counters(ctx);
}

/* The list whose bytes start at `memory`. */
unit_sorted_list unit_sorted_list_at(const unit_sorted *layer, uint8_t *memory);

/* Sorts the inputs of a phase; those up to the magnitude `bound` are left out, and the table then
 * holds for |x| > bound alone. image: the first input of the channel. */
void unit_sort_inputs(const unit_sorted *layer, const int8_t *image, const unit_sorted_phase *phase,
                      uint8_t bound, const unit_sorted_list *list);

/* Walking: begin with the positive (sign 1) or negative (-1) entries of a list, add kernels, walk
 * what is left. */
void unit_sorted_begin(unit_sorted_taps *taps, const unit_sorted_list *list, int sign);
void unit_sorted_add(unit_sorted_taps *taps, const unit_sorted *layer,
                     const unit_sorted_phase *phase, const unit_sorted_kernel *kernel);
void unit_sorted_walk(unit_sorted_taps *taps);

/* Runs the layer; UNIT_ARG_ERROR when it cannot or when something is missing.
 */
unit_status unit_sorted_run(const unit_sorted *layer, const unit_context *ctx);

#ifdef UNIT_ENABLE_COUNTERS
/* Counts the MACs of the whole layer. */
void unit_sorted_count(const unit_sorted *layer, uint8_t *quotient);
#endif

#endif /* UNIT_SORTED_H_ */
