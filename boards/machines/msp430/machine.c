/* unit_machine.h on mspdebug's simulator of a 16-bit MSP430: a console at one byte port, Timer_A
 * for the time. */
#include "unit_machine.h"

#ifndef F_CPU
#define F_CPU 8000000L
#endif

#define CONSOLE (*(volatile uint8_t *)0x00FF)
#define TACTL (*(volatile uint16_t *)0x0160)
#define TAR (*(volatile uint16_t *)0x0170)
#define TACTL_ACLK_8_CONTINUOUS 0x01E0 /* TASSEL_1 | ID_3 | MC_2 */
#define TACTL_CLEAR 0x0004
#define CYCLES_PER_TICK 2048L /* the simulator's ACLK is MCLK / 256; the timer divides it by 8 */

#define STACK_PAINT 0xA5A5u
#define STACK_OVERFLOW_STATUS 253

extern uint16_t __stack_bottom[], __stack_top[];
void unit_machine_start(void);
void unit_machine_halt(int status) __attribute__((noreturn));

void unit_machine_start(void) { TACTL = TACTL_ACLK_8_CONTINUOUS | TACTL_CLEAR; }

void unit_machine_write(const char *data, size_t size) {
  for (size_t i = 0; i < size; i++) CONSOLE = (uint8_t)data[i];
}

void unit_machine_exit(int status) {
  static const char message[] = "stack overflow\n";
  if (__stack_bottom[0] != STACK_PAINT) {
    unit_machine_write(message, sizeof(message) - 1);
    unit_machine_halt(STACK_OVERFLOW_STATUS);
  }
  unit_machine_halt(status);
}

/* Counts the timer's wraps, 134 million cycles apart, as long as it is called between them. */
uint32_t unit_machine_millis(void) {
  static uint16_t last;
  static uint32_t wraps;
  const uint16_t now = TAR;
  if (now < last) wraps++;
  last = now;
  return (uint32_t)(((uint64_t)(wraps << 16 | now) * CYCLES_PER_TICK) / (F_CPU / 1000));
}

size_t unit_machine_stack_used(void) {
  const uint16_t *word = __stack_bottom;
  while (word < __stack_top && *word == STACK_PAINT) word++;
  return (size_t)((const char *)__stack_top - (const char *)word);
}
