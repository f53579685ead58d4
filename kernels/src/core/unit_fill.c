#include "unit_loops.h"

/* In a file of its own, so that no compiler makes a memset of it: newlib's
 * small one fills bytes. */
void unit_fill_c(uint32_t *to, ptrdiff_t count, uint32_t value) {
  for (; count >= 8; count -= 8, to += 8) {
    to[0] = value, to[1] = value, to[2] = value, to[3] = value;
    to[4] = value, to[5] = value, to[6] = value, to[7] = value;
  }
  for (; count > 0; count--) *to++ = value;
}
