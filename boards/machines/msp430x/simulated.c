/* unit_machine.h on gdb's simulator of the MSP430FR5994; simulated.S has the rest. */
#include "unit_machine.h"

#ifndef F_CPU
#define F_CPU 16000000L
#endif

/* The upper half of the instructions that are left until the timer starts again, from 0xFF00 down,
 * its bytes swapped. The lower half is out of reach: this clock advances every 65536 instructions.
 */
#define PAL_TIMER_VALUE (*(volatile uint16_t *)0x042C)
#define FIRST_VALUE 0xFEFFu
#define CYCLES_PER_INSTRUCTION 3u /* about that, as in boards/msp430fr5994_sim.json */

#define STACK_PAINT 0xA5A5u
#define STACK_OVERFLOW_STATUS 253

extern uint16_t __stack_bottom[], __stack_top[];
void unit_machine_halt(int status) __attribute__((noreturn));

void unit_machine_exit(int status) {
  static const char message[] = "stack overflow\n";
  if (__stack_bottom[0] != STACK_PAINT) {
    unit_machine_write(message, sizeof(message) - 1);
    unit_machine_halt(STACK_OVERFLOW_STATUS);
  }
  unit_machine_halt(status);
}

uint32_t unit_machine_millis(void) {
  const uint16_t swapped = PAL_TIMER_VALUE;
  const uint16_t passed = (uint16_t)(FIRST_VALUE - (uint16_t)(swapped << 8 | swapped >> 8));
  return (uint32_t)(((uint64_t)passed << 16) * CYCLES_PER_INSTRUCTION / (F_CPU / 1000));
}

size_t unit_machine_stack_used(void) {
  const uint16_t *word = __stack_bottom;
  while (word < __stack_top && *word == STACK_PAINT) word++;
  return (size_t)((const char *)__stack_top - (const char *)word);
}
