/* Internal: from accumulators to int8 outputs. */
#ifndef UNIT_OUTPUT_H_
#define UNIT_OUTPUT_H_

#include "unit_requantize.h"

/* The usual limits have loops of their own; unit_store_thumb2.S knows their numbers. */
typedef enum {
  UNIT_LIMITS_ANY,
  UNIT_LIMITS_INT8, /* clamping to int8 is all */
  UNIT_LIMITS_RELU  /* the same for sums above 0; the others become `floor` */
} unit_limits_kind;

/* Clamping, fused ReLU and FATReLU in one: outputs below `low` become `floor`, those above `max`
 * become `max`. */
typedef struct {
  int32_t low;
  int32_t floor;
  int32_t max;
  int32_t cut; /* sums below become `floor`: 1 for fused ReLU */
  unit_limits_kind kind;
} unit_limits;

/* offset, min, max, fatrelu_min: -128..127 */
unit_limits unit_limits_of(int16_t offset, int16_t min, int16_t max, int16_t fatrelu_min);

/* What the outputs of some neighbouring channels need; pointers are at the first of them. */
typedef struct {
  const int32_t *bias;         /* NULL: none */
  const int32_t *compensation; /* NULL: none */
  const int32_t *multiplier;
  const int32_t *shift;
  int16_t is_per_channel; /* whether multiplier and shift differ between channels */
  int16_t offset;
  int16_t min;
  int16_t max;
  int16_t fatrelu_min;
  unit_limits limits; /* from the members above */
} unit_outputs;

/* bias and compensation may be NULL. */
static inline unit_outputs unit_outputs_of(const unit_quant_params *quant,
                                           const unit_activation *activation, int32_t offset,
                                           const int32_t *bias, const int32_t *compensation,
                                           int32_t channel) {
  const int32_t pair = quant->is_per_channel ? channel : 0;
  unit_outputs output;
  output.bias = bias != NULL ? bias + channel : NULL;
  output.compensation = compensation != NULL ? compensation + channel : NULL;
  output.multiplier = quant->multiplier + pair;
  output.shift = quant->shift + pair;
  output.is_per_channel = quant->is_per_channel != 0;
  output.offset = (int16_t)offset;
  output.min = (int16_t)activation->min;
  output.max = (int16_t)activation->max;
  output.fatrelu_min = (int16_t)activation->fatrelu_min;
  output.limits = unit_limits_of(output.offset, output.min, output.max, output.fatrelu_min);
  return output;
}

/* From the first channel to the one `channels` further. */
static inline void unit_outputs_advance(unit_outputs *output, int16_t channels) {
  if (output->bias != NULL) output->bias += channels;
  if (output->compensation != NULL) output->compensation += channels;
  if (!output->is_per_channel) return;
  output->multiplier += channels;
  output->shift += channels;
}

/* An output, whatever its multiplier and shift. */
int8_t unit_output_exact(const unit_outputs *output, int32_t sum, int32_t multiplier,
                         int32_t shift);

/* An output whose shift unit_scale covers. kind: a constant. */
static inline int32_t unit_limited(unit_limits_kind kind, const unit_limits *limits,
                                   const unit_scale *scale, int32_t sum) {
  if (kind == UNIT_LIMITS_RELU) {
    if (sum <= 0) return limits->floor;
    return unit_saturate_above(unit_scaled(scale, sum));
  }
  if (kind == UNIT_LIMITS_INT8) return unit_saturate(unit_scaled(scale, sum));
  if (sum < limits->cut) return limits->floor;
  const int32_t value = unit_scaled(scale, sum);
  if (value < limits->low) return limits->floor;
  return value > limits->max ? limits->max : value;
}

/* Windows of sums for max pooling, of rows that follow each other without a gap: sums and results
 * are [windows][channels], those of a window [rows][columns][channels]. Steps count sums. */
typedef struct {
  const int32_t *sums; /* the first window's */
  int32_t *to;         /* may be sums: each result goes where sums have been read */
  ptrdiff_t windows;   /* >= 1 */
  ptrdiff_t rows;      /* >= 1 */
  ptrdiff_t row_step;  /* from one row to the next */
  ptrdiff_t columns;   /* >= 1 */
  ptrdiff_t channels;  /* >= 1 */
} unit_sum_windows;

/* The largest sum per window and channel. */
void unit_largest_sums_c(const unit_sum_windows *windows);

/* One output per channel. count: >= 1 */
void unit_store_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to);

/* The same at `positions` neighbouring positions. Steps from one to the next, in elements. */
void unit_store_row_c(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to,
                      ptrdiff_t acc_step, ptrdiff_t step, int16_t positions);

/* Outputs of one channel, the struct's first, in rows; step: elements from one to the next; pitch:
 * accumulators from one row to the next. columns, rows: >= 1 */
void unit_store_plane_c(const unit_outputs *output, const int32_t *acc, int16_t columns, int8_t *to,
                        ptrdiff_t step, int16_t rows, ptrdiff_t pitch);

#ifdef UNIT_MSP430_LOOPS
void unit_largest_sums_msp430(const unit_sum_windows *windows);
void unit_store_msp430(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to);
void unit_store_row_msp430(const unit_outputs *output, const int32_t *acc, int16_t count,
                           int8_t *to, ptrdiff_t acc_step, ptrdiff_t step, int16_t positions);
void unit_store_plane_msp430(const unit_outputs *output, const int32_t *acc, int16_t columns,
                             int8_t *to, ptrdiff_t step, int16_t rows, ptrdiff_t pitch);
#endif
#if defined(__thumb2__) && !defined(UNIT_C_LOOPS)
void unit_store_thumb2(const unit_outputs *output, const int32_t *acc, int16_t count, int8_t *to);
#define unit_store unit_store_thumb2
#else
#define unit_store UNIT_LOOP(unit_store)
#endif
#define unit_largest_sums UNIT_LOOP(unit_largest_sums)
#define unit_store_row UNIT_LOOP(unit_store_row)
#define unit_store_plane UNIT_LOOP(unit_store_plane)

/* What all outputs of one channel share. */
typedef struct {
  int32_t bias; /* with compensation */
  int32_t multiplier;
  int32_t shift;
  int32_t offset;
  const unit_activation *activation;
} unit_output;

/* bias and compensation may be NULL. */
static inline unit_output unit_output_of_channel(const unit_quant_params *quant,
                                                 const unit_activation *activation, int32_t offset,
                                                 const int32_t *bias, const int32_t *compensation,
                                                 int32_t channel) {
  const int32_t pair = quant->is_per_channel ? channel : 0;
  unit_output output;
  output.bias = bias != NULL ? bias[channel] : 0;
  if (compensation != NULL) {
    output.bias = unit_wrapping_add(output.bias, compensation[channel]);
  }
  output.multiplier = quant->multiplier[pair];
  output.shift = quant->shift[pair];
  output.offset = offset;
  output.activation = activation;
  return output;
}

static inline int8_t unit_output_value(const unit_output *output, int32_t acc) {
  const unit_activation *activation = output->activation;
  const int8_t value =
      unit_scale_to_s8(unit_wrapping_add(acc, output->bias), output->multiplier, output->shift,
                       output->offset, activation->min, activation->max);
  return value < activation->fatrelu_min ? (int8_t)output->offset : value;
}

#endif /* UNIT_OUTPUT_H_ */
