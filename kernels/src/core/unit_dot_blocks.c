/* unit_dot, unit_dot_terms and unit_dot_terms_above for Cortex-M: the channels go through the
 * assembly by fours and twos, what is left over through the C references, unit_dot.c. */
#include "unit_loops.h"

#if defined(__thumb__) && !defined(UNIT_C_LOOPS)

/* Leaves out the first channels. */
static void advance(unit_dots *dots, int16_t channels) {
  dots->weight += channels * dots->weight_step;
  if (dots->quotient != NULL) dots->quotient += channels * dots->quotient_step;
  dots->acc += channels;
  dots->channels = (int16_t)(dots->channels - channels);
}

void unit_dot_thumb(const unit_dots *dots) {
  unit_dots left = *dots;
  for (; left.channels >= 4; advance(&left, 4)) {
    unit_dot_4_thumb(left.x, left.count, left.weight, left.weight_step, left.acc);
  }
  if (left.channels >= 2) {
    unit_dot_2_thumb(left.x, left.count, left.weight, left.weight_step, left.acc);
    advance(&left, 2);
  }
  if (left.channels > 0) unit_dot_c(&left);
}

#ifdef __thumb2__
void unit_dot_terms_thumb(const unit_dots *dots) {
  unit_dots left = *dots;
  for (; left.channels >= 4; advance(&left, 4)) {
    unit_dot_terms_4_thumb(left.term, left.count, left.weight, left.weight_step, left.acc);
  }
  if (left.channels >= 2) {
    unit_dot_terms_2_thumb(left.term, left.count, left.weight, left.weight_step, left.acc);
    advance(&left, 2);
  }
  if (left.channels > 0) unit_dot_terms_c(&left);
}

void unit_dot_terms_above_thumb(const unit_dots *dots) {
  unit_dots left = *dots;
  for (; left.channels >= 2; advance(&left, 2)) {
    unit_dot_terms_above_2_thumb(&left);
  }
  if (left.channels > 0) unit_dot_terms_above_c(&left);
}
#endif
#endif
