/* unit_machine.h on mspdebug's simulator of a 16-bit MSP430: a console at one byte port, Timer_A
 * for the time. startup.S and stack.c have the rest. */
#include "unit_machine.h"

#ifndef F_CPU
#define F_CPU 8000000L
#endif

#define CONSOLE (*(volatile uint8_t *)0x00FF)
#define TACTL (*(volatile uint16_t *)0x0160)
#define TAR (*(volatile uint16_t *)0x0170)
#define TACTL_ACLK_8_CONTINUOUS 0x01E4 /* TASSEL_1 | ID_3 | MC_2 | TACLR */
#define CYCLES_PER_TICK 2048u /* the simulator's ACLK is MCLK / 256; the timer divides it by 8 */

void unit_machine_start(void);

void unit_machine_start(void) { TACTL = TACTL_ACLK_8_CONTINUOUS; }

void unit_machine_write(const char *data, size_t size) {
  for (size_t i = 0; i < size; i++) CONSOLE = (uint8_t)data[i];
}

/* Counts the timer's wraps, 134 million cycles apart, as long as it is called between them. */
uint32_t unit_machine_millis(void) {
  static uint16_t last;
  static uint32_t wraps;
  const uint16_t now = TAR;
  if (now < last) wraps++;
  last = now;
  return (uint32_t)((uint64_t)(wraps << 16 | now) * CYCLES_PER_TICK / (F_CPU / 1000));
}
