/* What sketches of this library use of Arduino, for machines without an Arduino core: setup and
 * loop, time, and a Serial that only writes. docs/boards.md. */
#ifndef UNIT_ARDUINO_H_
#define UNIT_ARDUINO_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "unit_machine.h"

/* Tells sketches that this is not a real Arduino core. */
#define UNIT_ARDUINO_SHIM 1

#ifdef __cplusplus
extern "C" {
#endif

/* The sketch. */
void setup(void);
void loop(void);

/* Milliseconds since reset, and the same in microseconds. */
unsigned long millis(void);
unsigned long micros(void);
void delay(unsigned long milliseconds);

#ifdef __cplusplus
}
#endif

#define DEC 10
#define HEX 16
#define OCT 8
#define BIN 2
#define F(text) (text)

#ifdef __cplusplus

/* The console of the machine. Every function that writes returns the number of bytes written. */
class ConsoleSerial {
 public:
  void begin(unsigned long /* baud */) {}
  void end() {}
  void flush() {}
  operator bool() const { return true; }

  /* There is no input. */
  int available() { return 0; }
  int read() { return -1; }
  int peek() { return -1; }

  size_t write(uint8_t byte);
  size_t write(const char *text);
  size_t write(const uint8_t *data, size_t size);
  size_t write(const char *data, size_t size);

  size_t print(const char *text) { return write(text); }
  size_t print(char character) { return write((uint8_t)character); }
  size_t print(unsigned char value, int base = DEC) { return print((unsigned long)value, base); }
  size_t print(int value, int base = DEC) { return print((long)value, base); }
  size_t print(unsigned value, int base = DEC) { return print((unsigned long)value, base); }
  /* Only base 10 has signs; base: 2 to 16. */
  size_t print(long value, int base = DEC);
  size_t print(unsigned long value, int base = DEC);
  /* digits: after the decimal point, 0 to 9. Prints nan, inf, and ovf for magnitudes from 2^32. */
  size_t print(float value, int digits = 2);
  size_t print(double value, int digits = 2) { return print((float)value, digits); }

  size_t println() { return write("\r\n"); }
  template <typename Value>
  size_t println(Value value) {
    const size_t size = print(value);
    return size + println();
  }
  template <typename Value>
  size_t println(Value value, int format) {
    const size_t size = print(value, format);
    return size + println();
  }
};

extern ConsoleSerial Serial;

#endif /* __cplusplus */

#endif /* UNIT_ARDUINO_H_ */
