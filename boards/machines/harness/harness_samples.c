/* In a file of its own: a compiler that saw these zeros beside their use would compute with them.
 */
#include "harness.h"

UNIT_CONSTANT const harness_sample_set harness_samples = {0, {{0}}};
