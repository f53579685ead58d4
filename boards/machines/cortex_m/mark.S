/* unit_machine_mark: the clock is read first on entry and last before the return, so that from the
 * end of one mark to the reading of the next, the instructions of both are these five:
 * str, pop, bl (the caller's), ldr, ldr. simulator_qemu.py subtracts them. */
#include "mps2.h"

  .syntax unified
  .thumb
  .section .text.unit_machine_mark, "ax", %progbits
  .global unit_machine_mark
  .type unit_machine_mark, %function
  .thumb_func
unit_machine_mark:
  ldr r0, =MPS2_TIMER_VALUE
  ldr r0, [r0]
  push {r4, lr}
  bl unit_mark_record
  ldr r1, =MPS2_TIMER_VALUE
  ldr r2, =unit_mark_exit_value
  ldr r1, [r1]
  str r1, [r2]
  pop {r4, pc}
  .ltorg
  .size unit_machine_mark, . - unit_machine_mark
