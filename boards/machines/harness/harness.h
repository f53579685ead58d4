/* What the three parts of the firmware share that `tflm-unit simulate` builds: harness.c runs the
 * model, harness_samples.c holds its inputs, and harness_model.h, which Python writes, says how
 * large they are:
 *
 *   HARNESS_CAPACITY      samples that harness_samples has room for
 *   HARNESS_SAMPLE_BYTES  bytes of one sample: all inputs of the model, one after the other
 *   HARNESS_INPUTS        initializers {address, bytes} of the model's inputs
 *   HARNESS_OUTPUTS       the same of its outputs
 */
#ifndef UNIT_HARNESS_H_
#define UNIT_HARNESS_H_

#include <stdint.h>

#include "harness_model.h"

/* Filled in the finished ELF file, so that one build serves all samples. */
typedef struct {
  uint32_t count; /* 0..HARNESS_CAPACITY */
  uint8_t inputs[HARNESS_CAPACITY][HARNESS_SAMPLE_BYTES];
} harness_sample_set;

/* Placed here as well: it decides how compilers address it. */
extern const harness_sample_set harness_samples UNIT_CONSTANT;

#endif /* UNIT_HARNESS_H_ */
