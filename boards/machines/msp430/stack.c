/* The stack, painted at start-up: how deep it went, and a check of that when the firmware ends. All
 * MSP430 machines share this file. */
#include "unit_machine.h"

#define PAINT 0xA5A5u
#define OVERFLOW_STATUS 253 /* STACK_OVERFLOW of simulators.py */

extern uint16_t __stack_bottom[], __stack_top[];
void unit_machine_halt(int status) __attribute__((noreturn));

size_t unit_machine_stack_used(void) {
  const uint16_t *word = __stack_bottom;
  while (word < __stack_top && *word == PAINT) word++;
  return (size_t)((const char *)__stack_top - (const char *)word);
}

void unit_machine_exit(int status) {
  static const char message[] = "stack overflow\n";
  if (__stack_bottom[0] == PAINT) unit_machine_halt(status);
  unit_machine_write(message, sizeof(message) - 1);
  unit_machine_halt(OVERFLOW_STATUS);
}
