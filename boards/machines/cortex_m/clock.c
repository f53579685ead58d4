#include "clock.h"

#include "mps2.h"
#include "unit_machine.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define TICKS_PER_10_MS (MPS2_HZ / 100)
/* simulator_qemu.py: each instruction takes 2^7 ns. */
#define NS_PER_INSTRUCTION 128
/* Milliseconds are those of a CPU that runs one instruction per cycle of MPS2_HZ. */
#define INSTRUCTIONS_PER_MS (MPS2_HZ / 1000)
#define TICKS_PER_MS \
  ((uint32_t)((uint64_t)INSTRUCTIONS_PER_MS * NS_PER_INSTRUCTION * (MPS2_HZ / 1000) / 1000000))

static uint32_t exit_10_ms;
/* mark.S stores the timer's value here as its last act. */
volatile uint32_t unit_mark_exit_value;

void unit_clock_start(void) {
  REGISTER(MPS2_TIMER_RELOAD) = UINT32_MAX;
  REGISTER(MPS2_TIMER_VALUE) = UINT32_MAX;
  REGISTER(MPS2_TIMER_CTRL) = 1;
}

/* Ticks that are known modulo 2^32, extended by a coarse count of the same time. */
static uint64_t extend(uint32_t ticks, uint32_t count_10_ms) {
  const uint64_t coarse = (uint64_t)count_10_ms * TICKS_PER_10_MS;
  return (((coarse - ticks + 0x80000000u) >> 32) << 32) + ticks;
}

uint64_t unit_clock_ticks(void) {
  return extend(UINT32_MAX - REGISTER(MPS2_TIMER_VALUE), REGISTER(MPS2_CLK100HZ));
}

uint32_t unit_machine_millis(void) { return (uint32_t)(unit_clock_ticks() / TICKS_PER_MS); }

static char *put_hex(char *at, uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[(value >> shift) & 15];
  return at;
}

/* Called by mark.S with the timer's value on entry: tells simulator_qemu.py the ticks since the end
 * of the last mark. */
void unit_mark_record(uint32_t value) {
  const uint32_t passed_10_ms = REGISTER(MPS2_CLK100HZ) - exit_10_ms;
  const uint64_t ticks = extend(unit_mark_exit_value - value, passed_10_ms);
  char line[] = "\x1em0123456701234567\n";
  put_hex(put_hex(line + 2, (uint32_t)(ticks >> 32)), (uint32_t)ticks);
  unit_machine_write(line, sizeof(line) - 1);
  exit_10_ms = REGISTER(MPS2_CLK100HZ);
}
