/* Start-up of the simulated Cortex-M machines, M0 to M33: vectors, memory, FPU, constructors. */
#include "clock.h"
#include "unit_machine.h"

extern uint32_t unit_data_load[], unit_data_start[], unit_data_end[];
extern uint32_t unit_bss_start[], unit_bss_end[];
extern uint32_t unit_stack_limit[], unit_stack_top[];
typedef void constructor(void);
extern constructor *const unit_init_array_start[], *const unit_init_array_end[];

int main(void);
void Reset_Handler(void);
void HardFault_Handler(void);
void unit_report_fault(const uint32_t *frame);

/* The pattern of stack that nothing has used. */
#define UNUSED 0xA5A5A5A5u
#define CPACR (*(volatile uint32_t *)0xE000ED88)
#define CCR (*(volatile uint32_t *)0xE000ED14)

/* Only the faults can occur: nothing enables an interrupt. MemManage and the others are escalated
 * to HardFault. */
__attribute__((section(".vectors"), used)) static constructor *const vectors[] = {
    (constructor *)(uintptr_t)unit_stack_top,
    Reset_Handler,
    HardFault_Handler, /* NMI */
    HardFault_Handler,
};

/* Below the frames of this function, which stay in use. */
static inline void paint_stack(void) {
  const uint32_t *const end = (const uint32_t *)__builtin_frame_address(0) - 32;
  for (volatile uint32_t *at = unit_stack_limit; at < end; at++) *at = UNUSED;
}

static inline void copy_data(void) {
  const uint32_t *from = unit_data_load;
  for (volatile uint32_t *to = unit_data_start; to < unit_data_end; to++) *to = *from++;
  for (volatile uint32_t *to = unit_bss_start; to < unit_bss_end; to++) *to = 0;
}

void Reset_Handler(void) {
#ifdef __ARM_ARCH_6M__
  CCR |= 1u << 3; /* UNALIGN_TRP: the simulated core is an ARMv7-M, which would allow it */
#endif
#ifdef __ARM_FP
  CPACR |= 0xFu << 20;
  __asm__ volatile("dsb\n isb");
#endif
  paint_stack();
  copy_data();
  unit_clock_start();
  for (constructor *const *at = unit_init_array_start; at < unit_init_array_end; at++) (*at)();
  unit_machine_exit(main());
}

size_t unit_machine_stack_used(void) {
  const uint32_t *at = unit_stack_limit;
  while (at < unit_stack_top && *at == UNUSED) at++;
  return (size_t)(unit_stack_top - at) * sizeof(*at);
}

static char *put_hex(char *at, uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[(value >> shift) & 15];
  return at;
}

/* frame: what the CPU pushed: r0-r3, r12, lr, pc, xpsr; NULL when the stack has overflowed. */
void unit_report_fault(const uint32_t *frame) {
  char line[] =
      "\x1e\x66"
      "01234567 01234567\n";
  if (frame == NULL) {
    unit_machine_write("\x1eo\n", 3);
  } else {
    put_hex(put_hex(line + 2, frame[6]) + 1, frame[5]);
    unit_machine_write(line, sizeof(line) - 1);
  }
  unit_machine_exit(1);
}

/* An overflowed stack ends in a fault: the report of that gets the stack from the top. */
__attribute__((naked)) void HardFault_Handler(void) {
  __asm__ volatile(
      "mrs r0, msp\n"
      "ldr r1, =unit_stack_limit\n"
      "cmp r0, r1\n"
      "bhs 1f\n"
      "ldr r1, =unit_stack_top\n"
      "mov sp, r1\n"
      "movs r0, #0\n"
      "1: bl unit_report_fault\n"
      ".ltorg\n");
}
