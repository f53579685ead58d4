/* Console and exit through Arm semihosting, which QEMU serves. */
#include "unit_machine.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_EXIT_EXTENDED = 0x20 };
enum { ADP_STOPPED_APPLICATION_EXIT = 0x20026 };
enum { OPEN_FOR_WRITING = 4 };

static uint32_t semihosting_call(uint32_t operation, const uint32_t *arguments) {
  register uint32_t r0 __asm__("r0") = operation;
  register const uint32_t *r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static uint32_t console_handle(void) {
  static uint32_t handle;
  static const char console[] = ":tt";
  if (handle == 0) {
    const uint32_t arguments[] = {(uint32_t)(uintptr_t)console, OPEN_FOR_WRITING,
                                  sizeof(console) - 1};
    handle = semihosting_call(SYS_OPEN, arguments);
  }
  return handle;
}

void unit_machine_write(const char *data, size_t size) {
  const uint32_t arguments[] = {console_handle(), (uint32_t)(uintptr_t)data, (uint32_t)size};
  semihosting_call(SYS_WRITE, arguments);
}

void unit_machine_exit(int status) {
  const uint32_t arguments[] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status};
  for (;;) semihosting_call(SYS_EXIT_EXTENDED, arguments);
}
