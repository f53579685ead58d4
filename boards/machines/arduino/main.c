/* Runs a sketch: setup once, then loop UNIT_SHIM_LOOPS times, for ever when that is 0. */
#include "Arduino.h"

#ifndef UNIT_SHIM_LOOPS
#define UNIT_SHIM_LOOPS 0
#endif

unsigned long millis(void) { return unit_machine_millis(); }

unsigned long micros(void) { return 1000 * millis(); }

void delay(unsigned long milliseconds) {
  const unsigned long start = millis();
  while (millis() - start < milliseconds) {
  }
}

int main(void) {
  const unsigned long loops = UNIT_SHIM_LOOPS;
  setup();
  for (unsigned long i = 0; loops == 0 || i < loops; i++) loop();
  return 0;
}
