#include "Arduino.h"

ConsoleSerial Serial;

size_t ConsoleSerial::write(const char *data, size_t size) {
  unit_machine_write(data, size);
  return size;
}

size_t ConsoleSerial::write(const uint8_t *data, size_t size) {
  return write((const char *)data, size);
}

size_t ConsoleSerial::write(uint8_t byte) { return write(&byte, 1); }

size_t ConsoleSerial::write(const char *text) { return write(text, strlen(text)); }

size_t ConsoleSerial::print(unsigned long value, int base) {
  char digits[8 * sizeof(value)];
  char *at = digits + sizeof(digits);
  const unsigned long divisor = base < 2 || base > 16 ? 10 : (unsigned long)base;
  do {
    *--at = "0123456789ABCDEF"[value % divisor];
    value /= divisor;
  } while (value != 0);
  return write(at, (size_t)(digits + sizeof(digits) - at));
}

size_t ConsoleSerial::print(long value, int base) {
  if (value >= 0 || base != DEC) return print((unsigned long)value, base);
  return print('-') + print(0ul - (unsigned long)value, base);
}

size_t ConsoleSerial::print(float value, int digits) {
  if (value != value) return print("nan");
  size_t size = 0;
  if (value < 0) {
    size += print('-');
    value = -value;
  }
  float half = 0.5f;
  for (int i = 0; i < digits; i++) half /= 10;
  value += half;
  if (value >= 4294967296.0f) return size + print(value > 3.4e38f ? "inf" : "ovf");
  const unsigned long whole = (unsigned long)value;
  value -= (float)whole;
  size += print(whole);
  if (digits > 0) size += print('.');
  for (int i = 0; i < digits; i++) {
    value *= 10;
    const unsigned digit = (unsigned)value;
    size += print(digit);
    value -= (float)digit;
  }
  return size;
}

/* Statics that have destructors register them here. Nothing runs them: a program ends with its
 * machine. */
extern "C" {
void *__dso_handle;
int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }
int __aeabi_atexit(void *, void (*)(void *), void *) { return 0; }
void __cxa_pure_virtual() { unit_machine_exit(1); }
}
