/* The clock of the MSP430FR5994 on gdb's simulator; simulated.S has the rest of unit_machine.h. */
#include "unit_machine.h"

#ifndef F_CPU
#define F_CPU 16000000L
#endif

/* The upper half of the instructions that are left until the timer starts again, its bytes swapped.
 * The lower half is out of reach: this clock advances every 65536 instructions. */
uint16_t unit_machine_timer(void);
#define FIRST_VALUE 0xFEFFu
#define CYCLES_PER_INSTRUCTION 2u /* about that, as in boards/msp430fr5994_sim.json */

uint32_t unit_machine_millis(void) {
  const uint16_t swapped = unit_machine_timer();
  const uint16_t passed = (uint16_t)(FIRST_VALUE - (uint16_t)(swapped << 8 | swapped >> 8));
  return (uint32_t)(((uint64_t)passed << 16) * CYCLES_PER_INSTRUCTION / (F_CPU / 1000));
}
