/* Runs the arithmetic helpers that compilers call on MSP430 on the operands of operands.h, which
 * test_msp430_machines.py writes, and prints the results, 16 hexadecimal digits each, in lines that
 * begin with the operation's name. */
#include <string.h>

#include "operands.h"
#include "unit_machine.h"

typedef struct {
  const char *name;
  uint64_t (*run)(uint64_t x, uint64_t y);
} operation;

#define INTEGER(name, type, expression)          \
  static uint64_t name(uint64_t x, uint64_t y) { \
    const type a = (type)x, b = (type)y;         \
    (void)b;                                     \
    return (uint64_t)(expression);               \
  }
/* Quotients that C does not define are 0: by 0, and the lowest number by -1. */
#define DIVIDE(name, type, lowest)                                    \
  INTEGER(name##_div, type, b == 0 || lowest(type, a, b) ? 0 : a / b) \
  INTEGER(name##_rem, type, b == 0 || lowest(type, a, b) ? 0 : a % b)
#define LOWEST(type, a, b) ((b) == -1 && (a) == (type)((uint64_t)1 << (8 * sizeof(type) - 1)))
#define UNSIGNED(type, a, b) 0
#define SHIFT(name, type) INTEGER(name##_shr, type, a >> (y & (8 * sizeof(type) - 1)))

INTEGER(u16_mul, uint16_t, (uint16_t)(a * b))
INTEGER(u32_mul, uint32_t, a *b)
INTEGER(u64_mul, uint64_t, a *b)
INTEGER(i16_mul_i32, int16_t, (int32_t)a *b)
INTEGER(i32_mul_i64, int32_t, (int64_t)a *b)
INTEGER(u32_mul_u64, uint32_t, (uint64_t)a *b)
DIVIDE(u16, uint16_t, UNSIGNED)
DIVIDE(u32, uint32_t, UNSIGNED)
DIVIDE(u64, uint64_t, UNSIGNED)
DIVIDE(i16, int16_t, LOWEST)
DIVIDE(i32, int32_t, LOWEST)
DIVIDE(i64, int64_t, LOWEST)
SHIFT(u32, uint32_t)
SHIFT(u64, uint64_t)
SHIFT(i32, int32_t)
SHIFT(i64, int64_t)
INTEGER(u32_shl, uint32_t, a << (y & 31))
INTEGER(u64_shl, uint64_t, a << (y & 63))
INTEGER(i64_less, int64_t, a < b)
INTEGER(u64_less, uint64_t, a < b)

static float number(uint64_t x) {
  const uint32_t bits = (uint32_t)x;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

static uint64_t bits(float value) {
  uint32_t result;
  memcpy(&result, &value, sizeof(result));
  return result;
}

#define FLOAT(name, expression)                  \
  static uint64_t name(uint64_t x, uint64_t y) { \
    const float a = number(x), b = number(y);    \
    (void)b;                                     \
    return (uint64_t)(expression);               \
  }

FLOAT(f32_add, bits(a + b))
FLOAT(f32_sub, bits(a - b))
FLOAT(f32_mul, bits(a *b))
FLOAT(f32_div, bits(a / b))
FLOAT(f32_less, a < b)
FLOAT(f32_greater, a > b)
FLOAT(f32_at_least, a >= b)
FLOAT(f32_equal, a == b)
FLOAT(f32_to_i32, (int32_t)a)
FLOAT(f32_to_u32, (uint32_t)a)
FLOAT(f32_to_i64, (int64_t)a)
FLOAT(f32_to_u64, (uint64_t)a)
INTEGER(i32_to_f32, int32_t, bits((float)a))
INTEGER(u32_to_f32, uint32_t, bits((float)a))
INTEGER(i64_to_f32, int64_t, bits((float)a))
INTEGER(u64_to_f32, uint64_t, bits((float)a))

#define RUN(name) {#name, name}
static const operation integer_operations[] = {
    RUN(u16_mul),     RUN(u32_mul),    RUN(u64_mul),    RUN(i16_mul_i32), RUN(i32_mul_i64),
    RUN(u32_mul_u64), RUN(u16_div),    RUN(u16_rem),    RUN(u32_div),     RUN(u32_rem),
    RUN(u64_div),     RUN(u64_rem),    RUN(i16_div),    RUN(i16_rem),     RUN(i32_div),
    RUN(i32_rem),     RUN(i64_div),    RUN(i64_rem),    RUN(u32_shr),     RUN(u64_shr),
    RUN(i32_shr),     RUN(i64_shr),    RUN(u32_shl),    RUN(u64_shl),     RUN(i64_less),
    RUN(u64_less),    RUN(i32_to_f32), RUN(u32_to_f32), RUN(i64_to_f32),  RUN(u64_to_f32),
};
static const operation float_operations[] = {
    RUN(f32_add),    RUN(f32_sub),     RUN(f32_mul),      RUN(f32_div),
    RUN(f32_less),   RUN(f32_greater), RUN(f32_at_least), RUN(f32_equal),
    RUN(f32_to_i32), RUN(f32_to_u32),  RUN(f32_to_i64),   RUN(f32_to_u64),
};

static void print(uint64_t value) {
  char text[17];
  text[0] = ' ';
  for (uint8_t digit = 0; digit < 16; digit++) {
    text[16 - digit] = "0123456789abcdef"[(uint8_t)value & 15];
    value >>= 4;
  }
  unit_machine_write(text, sizeof(text));
}

static void run_all(const operation *operations, size_t count, const uint64_t (*operands)[2],
                    size_t pairs) {
  for (size_t i = 0; i < count; i++) {
    for (size_t pair = 0; pair < pairs; pair++) {
      if (pair % 32 == 0) {
        unit_machine_write("\n", 1);
        unit_machine_write(operations[i].name, strlen(operations[i].name));
      }
      print(operations[i].run(operands[pair][0], operands[pair][1]));
    }
    unit_machine_write("\n", 1);
  }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void) {
  run_all(integer_operations, COUNT(integer_operations), integers, COUNT(integers));
  run_all(float_operations, COUNT(float_operations), floats, COUNT(floats));
  return 0;
}
