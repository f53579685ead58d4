/* Internal: the activation_sorted schedule of CONV_2D and DEPTHWISE_CONV_2D. All outputs of a
 * channel are added up in a plane of accumulators. A kernel tap shifts an input's position in the
 * plane by a constant; positions that it shifts out of the output fall on slack: rows before and
 * after the outputs, and columns that the end of a row shares with the beginning of the next. With
 * a stride, a tap meets only the inputs of one phase per axis.
 *
 * CONV_2D: the inputs of one channel and phase are sorted by magnitude, largest first, zeros left
 * out: those that a weight needs are then the first ones of the list, and a table by magnitude
 * tells how many. A list keeps positive inputs before negative ones, as magnitudes, with their
 * positions as byte offsets. Scratch holds either the lists of all input channels of a group and
 * one plane, or one list and the planes of all output channels of the group, whichever is smaller,
 * and one output channel's quotients for one input channel.
 *
 * DEPTHWISE_CONV_2D: a channel has few weights, so they are sorted instead, those first that most
 * inputs need; a table tells how many of them an input needs. Scratch holds one plane, the table
 * and one channel's quotients.
 *
 * In bytes, divisions rounding down unless said otherwise, output being the positions before
 * pooling, along one axis:
 *
 *   period = stride / gcd(stride, dilation)
 *   phases = min(kernel, period)
 *   first = padding / stride
 *   last = (input - 1 + padding) / stride
 *   before = max(0, (kernel - 1) * dilation / stride - first)
 *   after = max(0, last - (output - 1))
 *
 * of a layer:
 *
 *   pitch = output.w + max(before.w, after.w)
 *   plane = 4 * (before.w + pitch * (before.h + output.h + after.h))
 *   entries = ceil(input.h / stride.h) * ceil(input.w / stride.w)
 *   list = 3 * entries + (input_offset == 128 ? 516 : 1028), rounded up to 4
 *   lists = input channels of a group * phases.h * phases.w
 *   quotients = kernel.h * kernel.w, rounded up to 4
 *
 *   CONV_2D: min(lists * list + plane, list + output channels of a group * plane) + quotients
 *   DEPTHWISE_CONV_2D: plane + 256 + quotients
 *
 * The positions of a list have 16 bits; CONV_2D runs only if
 *
 *   4 * ((last.h - first.h) * pitch + last.w - first.w) <= 65535
 *
 * and both operators only if they have at most 32767 rows and columns of outputs, after pooling.
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

#define UNIT_SORTED_NEEDS 256 /* bytes of DEPTHWISE_CONV_2D's table */
#define UNIT_SORTED_TAPS 32   /* weights that are put in order together */
#ifndef UNIT_SORTED_FEW
#define UNIT_SORTED_FEW 32 /* inputs for which that does not pay */
#endif

/* Along one axis. ptrdiff_t is as wide as a pointer: 16 bits on MSP430, where 32 take their time.
 */
typedef struct {
  ptrdiff_t input;
  ptrdiff_t kernel;
  ptrdiff_t output; /* before pooling */
  ptrdiff_t pool;
  ptrdiff_t windows; /* output / pool */
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
  ptrdiff_t taps_row;    /* taps from a kernel row to that a period below; the next two: the same */
  ptrdiff_t weights_row; /* in weights */
  ptrdiff_t acc_row;     /* in accumulators */
  ptrdiff_t pitch;       /* accumulators from one row of outputs to the next */
  ptrdiff_t plane;       /* accumulators of one output channel */
  ptrdiff_t entries;     /* of a list, at most */
  ptrdiff_t list_bytes;
  int32_t size;    /* bytes of scratch; -1: the layer cannot run */
  int last_sign;   /* -1: there are inputs below the zero point; else 1 */
  int keeps_lists; /* CONV_2D: whether scratch holds all lists and not all planes */
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

static inline void unit_sorted_next(const unit_sorted *layer, unit_sorted_phase *phase) {
  if (++phase->x < layer->x.phases) return;
  phase->x = 0;
  phase->y++;
}

/* The inputs of one phase along one axis. */
typedef struct {
  ptrdiff_t first; /* image coordinate */
  ptrdiff_t count;
  ptrdiff_t at; /* accumulators from the plane's first position */
} unit_sorted_span;

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

/* Shapes and scratch of a layer. The size is -1 where dimensions do not match or positions do not
 * fit. */
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

unit_sorted_span unit_sorted_span_of(const unit_sorted_axis *axis, ptrdiff_t phase);

/* Where the plane's first position falls for the first tap of a phase. */
int32_t *unit_sorted_first_tap(const unit_sorted *layer, const unit_sorted_phase *phase,
                               int32_t *acc);

/* Clears the outputs of a plane; slack needs no values. */
void unit_sorted_clear(const unit_sorted *layer, int32_t *acc);

/* Writes the outputs of one channel of one image. */
void unit_sorted_store(const unit_sorted *layer, ptrdiff_t image, ptrdiff_t channel, int32_t *acc);

/* Sorts the inputs of a phase. image: the first input of the channel. */
void unit_sort_inputs(const unit_sorted *layer, const int8_t *image, const unit_sorted_phase *phase,
                      const unit_sorted_list *list);

/* Walking: begin with the positive (sign 1) or negative (-1) entries of a list, add kernels, walk
 * what is left. */
void unit_sorted_begin(unit_sorted_taps *taps, const unit_sorted_list *list, int sign);
void unit_sorted_add(unit_sorted_taps *taps, const unit_sorted *layer,
                     const unit_sorted_phase *phase, const unit_sorted_kernel *kernel);
void unit_sorted_walk(unit_sorted_taps *taps);

/* Runs the layer; UNIT_ARG_ERROR when it cannot or when something is missing. */
unit_status unit_sorted_run(const unit_sorted *layer, const unit_context *ctx);
unit_status unit_sorted_run_depthwise(const unit_sorted *layer, const unit_context *ctx);

#ifdef UNIT_ENABLE_COUNTERS
/* Counts the MACs of the whole layer. */
void unit_sorted_count(const unit_sorted *layer, uint8_t *quotient);
#endif

#endif /* UNIT_SORTED_H_ */
