/* In a file of its own: a compiler that saw these zeros beside their use would compute with them.
 */
#include "harness.h"

const harness_sample_set harness_samples UNIT_CONSTANT = {0, {{0}}};
