/* Types of the core kernels. Names follow CMSIS-NN and TFLite. All structs can live in flash. */
#ifndef UNIT_TYPES_H_
#define UNIT_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  UNIT_SUCCESS = 0,
  UNIT_ARG_ERROR = -1 /* a null or too small scratch buffer, an unknown divider or one without its
                       * tree or table, or dimensions that do not match */
} unit_status;

/* How a threshold is divided by the control term; see unit_divide(). The values are part of the
 * metadata format (docs/metadata.md). */
typedef enum {
  UNIT_DIVIDER_EXACT = 0,
  UNIT_DIVIDER_BIT_SHIFT = 1,
  UNIT_DIVIDER_BINARY_TREE = 2,
  UNIT_DIVIDER_BIT_MASK = 3,
  UNIT_DIVIDER_TABLE = 4
} unit_divider;

#define UNIT_DIVIDER_COUNT 5
#define UNIT_MAX_THRESHOLD 32385 /* 255 * 127: the largest |activation * weight| */
#define UNIT_NEVER_SKIP (-1)     /* a threshold that keeps even zero products */
#define UNIT_FATRELU_OFF (-128)  /* no int8 output lies below it */
#define UNIT_TREE_SIZE 21        /* 7 nodes of {pivot exponent, below, not below} */
#define UNIT_TREE_LEAF 0x80      /* a child with this bit is a leaf: the low bits are bit_length */
#define UNIT_TABLE_ROW 256       /* quotients for |c| = 0..255 */

/* What a layer did, summed over all calls until the caller clears it. Kernels write it only when
 * compiled with UNIT_ENABLE_COUNTERS; results never depend on it. A MAC is a weight-activation pair
 * whose input position lies inside the image. */
typedef struct {
  uint64_t macs_total;
  uint64_t macs_zero;    /* pairs whose product is zero */
  uint64_t macs_skipped; /* pairs for which the predicate holds (dense: none) */
  int64_t *skipped_sum;  /* [output channels] sum of the skipped products; NULL: not wanted */
} unit_counters;

/* Scratch memory of one call, as in CMSIS-NN; `counters` may be NULL. */
typedef struct {
  void *buf;    /* at least ..._get_buffer_size() bytes, 4-byte aligned */
  int32_t size; /* bytes in buf */
  unit_counters *counters;
} unit_context;

/* Activations: NHWC. Filters: CONV_2D {n = output channels, h, w, c = input channels per group},
 * DEPTHWISE_CONV_2D {n = 1, h, w, c = output channels}, FULLY_CONNECTED {n = inputs, c = outputs}.
 */
typedef struct {
  int32_t n;
  int32_t h;
  int32_t w;
  int32_t c;
} unit_dims;

typedef struct {
  int32_t h;
  int32_t w;
} unit_tile;

/* min, max: -128..127 with min <= max. Outputs below fatrelu_min become output_offset, the output's
 * real zero (FATReLU); UNIT_FATRELU_OFF switches that off. */
typedef struct {
  int32_t min;
  int32_t max;
  int32_t fatrelu_min;
} unit_activation;

/* One multiplier (0..2^31-1) and shift (-31..30, positive: left) per output channel, or a single
 * pair when is_per_channel is 0. */
typedef struct {
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t is_per_channel;
} unit_quant_params;

typedef struct {
  int32_t input_offset;  /* -input zero point, or -center: -127..128 */
  int32_t output_offset; /* output zero point: -128..127 */
  unit_tile stride;      /* >= 1 */
  unit_tile padding;     /* rows above and columns left of the image, >= 0 */
  unit_tile dilation;    /* >= 1 */
  unit_activation activation;
  /* Max pooling, >= 1; {1, 1}: none. Windows of that size tile the positions of the convolution,
   * output_dims * pool; only the largest sum of each gets bias and compensation and becomes an
   * output. That is the largest output if no such sum, nor its left shift, nor the offset added to
   * that wraps around, and if fatrelu_min is not below output_offset. */
  unit_tile pool;
} unit_conv_params;

typedef struct {
  int32_t input_offset;
  int32_t output_offset;
  int32_t ch_mult; /* output channels per input channel, >= 1 */
  unit_tile stride;
  unit_tile padding;
  unit_tile dilation;
  unit_activation activation;
} unit_dw_conv_params;

typedef struct {
  int32_t input_offset;
  int32_t output_offset;
  unit_activation activation;
} unit_fc_params;

typedef struct {
  unit_tile stride;
  unit_tile padding;
  unit_activation activation;
} unit_pool_params;

/* Thresholds of one layer at one operating point. Output channel o belongs to group o / group_size.
 */
typedef struct {
  const int16_t *threshold; /* [groups] UNIT_NEVER_SKIP..UNIT_MAX_THRESHOLD, int8 product units */
  int32_t group_size;       /* >= 1 */
  const int32_t *compensation; /* [output channels], added to the bias; NULL: none */
  unit_divider divider;
  const uint8_t *tree;       /* UNIT_DIVIDER_BINARY_TREE: UNIT_TREE_SIZE bytes */
  const uint8_t *table;      /* UNIT_DIVIDER_TABLE: rows of UNIT_TABLE_ROW quotients */
  const uint16_t *table_row; /* UNIT_DIVIDER_TABLE: [groups] row of each group */
} unit_prune_params;

#define UNIT_PLAN_WINDOW 64  /* accumulators that a list of a plan reaches, at most */
#define UNIT_PLAN_CLASSES 16 /* columns of unit_plan.count, at most */

/* The weights of one layer at one operating point as the planned schedule walks them
 * (docs/planned.md). A list holds the weights that one activation meets in one kernel row, those
 * that matter from the smallest magnitude on first; weights that never matter are left out. */
typedef struct {
  const int8_t *weight;    /* [entries] list after list */
  const uint8_t *at;       /* [entries] bytes from the list's first accumulator to the entry's */
  const uint8_t *critical; /* [entries] smallest |x| for which the entry counts; NULL: its class
                            * tells */
  const uint8_t *count;  /* [lists][classes] entries that count for sure; the last: all there are */
  const uint32_t *first; /* convolutions: index of the first entry, per block, segment, row phase
                          * and input channel; NULL for FULLY_CONNECTED */
  const uint8_t *class_of; /* [256] by an activation's byte: 0: no entry of any list counts; else
                            * 1 + column of count */
  const int32_t *compensation; /* [output channels], added to the bias; NULL: none */
  const int8_t *filter; /* the plain weights: only builds with UNIT_ENABLE_COUNTERS read them,
                         * to count zero products */
  int16_t classes;      /* 1..UNIT_PLAN_CLASSES */
  int16_t taps;         /* convolutions: kernel columns in one list, at most */
  int16_t outputs;      /* output channels in a block, at most */
} unit_plan;

#ifdef __cplusplus
}
#endif

#endif /* UNIT_TYPES_H_ */
