#include "unit_loops.h"
#include "unit_plan_list.h"

const int8_t *unit_plan_walk_inputs_c(const unit_plan_inputs *inputs) {
  const int16_t classes = inputs->classes;
  const int8_t *weight = inputs->weight;
  const uint8_t *at = inputs->at;
  const uint8_t *critical = inputs->critical;
  const uint8_t *count = inputs->count;
  for (const int8_t *input = inputs->input; input < inputs->end; input++) {
    const uint8_t length = count[classes - 1];
    const uint8_t class = inputs->class_of[(uint8_t)*input];
    if (class != 0) {
      const int16_t x = (int16_t)(*input + inputs->input_offset);
      unit_plan_add(weight, at, unit_plan_counting(count, critical, classes, class, x), x,
                    inputs->acc);
    }
    weight += length;
    at += length;
    if (critical != NULL) critical += length;
    count += classes;
  }
  return weight;
}
