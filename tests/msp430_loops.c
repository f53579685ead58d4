/* The MSP430 versions of the inner loops against their C references, on random data; for
 * test_msp430_loops.py. Prints the name of each loop whose results differ, then "done". */
#include <string.h>

#include "core/unit_output.h"
#include "core/unit_pool_walk.h"
#include "unit_machine.h"

#define WEIGHTS 512
#define CHANNELS 4
#define COUNT 40
#ifndef ROUNDS
#define ROUNDS 60
#endif

#ifdef __MSP430X_LARGE__
#define FAR __attribute__((section(".upper.bss")))
#else
#define FAR
#endif

/* In the large model a caller may keep 20 bits in R4-R10: `preserving` calls `preserved` with the
 * arguments in R12-R15 and notes in `damaged` if one of them comes back changed. */
#ifdef __MSP430X_LARGE__
void (*preserved)(void);
int damaged;
void preserving(void);
__asm__(
    ".text\n"
    ".balign 2\n"
    "preserving:\n"
    "  pushm.a #7, r10\n"
    "  .irp n, 4,5,6,7,8,9,10\n"
    "  mova #0xa5a50+\\n, r\\n\n"
    "  .endr\n"
    "  calla &preserved\n"
    "  .irp n, 4,5,6,7,8,9,10\n"
    "  cmpa #0xa5a50+\\n, r\\n\n"
    "  jne 1f\n"
    "  .endr\n"
    "  jmp 2f\n"
    "1: mov #1, &damaged\n"
    "2: popm.a #7, r10\n"
    "  reta\n");
#define CALL(function) (preserved = (void (*)(void))function, (__typeof__(&function))preserving)
#else
#define CALL(function) function
#endif

static FAR int8_t weight[WEIGHTS];
static FAR uint8_t quotient[WEIGHTS];
static FAR int8_t input[COUNT];
static int32_t want[COUNT], got[COUNT];
static int failures;

/* xorshift32 */
static uint32_t random_bits(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static int16_t random_below(int16_t limit) { return (int16_t)(random_bits() % (uint32_t)limit); }

/* All magnitudes, the largest ones often. */
static int8_t random_s8(void) {
  static const int8_t extremes[4] = {-128, -127, 127, 0};
  return random_below(4) == 0 ? extremes[random_below(4)] : (int8_t)random_bits();
}

static void check(const char *name, const void *a, const void *b, size_t size) {
  if (memcmp(a, b, size) == 0) return;
  unit_machine_write(name, strlen(name));
  unit_machine_write("\n", 1);
  failures++;
}

static void random_sums(void) {
  for (int i = 0; i < COUNT; i++) want[i] = got[i] = (int32_t)random_bits() >> random_below(20);
}

static void check_gather(int16_t count, int16_t offset) {
  static int16_t x[2][COUNT];
  static unit_term term[2][COUNT];
  memset(term, 0, sizeof(term));
  term[0][0].at = term[1][0].at = (uint16_t)random_bits();
  unit_expand_c(input, count, offset, x[0]);
  CALL(unit_expand_msp430)(input, count, offset, x[1]);
  check("unit_expand", x[0], x[1], sizeof(x[0]));
  const ptrdiff_t terms = unit_collect_c(input, count, offset, term[0]) - term[0];
  const ptrdiff_t terms_msp430 = CALL(unit_collect_msp430)(input, count, offset, term[1]) - term[1];
  check("unit_collect end", &terms, &terms_msp430, sizeof(terms));
  check("unit_collect", term[0], term[1], sizeof(term[0]));
}

static void check_dots(int16_t count, int16_t offset) {
  static int16_t x[COUNT];
  static unit_term term[COUNT];
  unit_dots dots;
  unit_expand_c(input, count, offset, x);
  for (int16_t i = 0; i < count; i++) {
    term[i].x = x[i];
    term[i].below = (uint16_t)((x[i] < 0 ? -x[i] : x[i]) - 1);
    term[i].at = (uint16_t)random_below(100);
  }
  dots.x = x;
  dots.term = term;
  dots.weight = weight + random_below(100);
  dots.quotient = quotient + random_below(100);
  dots.weight_step = random_below(100);
  dots.quotient_step = random_below(100);
  dots.count = count;
  dots.channels = (int16_t)(1 + random_below(CHANNELS));
#define CHECK_DOTS(name)      \
  random_sums();              \
  dots.acc = want;            \
  name##_c(&dots);            \
  dots.acc = got;             \
  CALL(name##_msp430)(&dots); \
  check(#name, want, got, sizeof(want))
  CHECK_DOTS(unit_dot);
  CHECK_DOTS(unit_dot_terms);
  CHECK_DOTS(unit_dot_terms_above);
}

static void check_columns(int16_t offset) {
  static unit_term term[3];
  unit_columns columns;
  for (int i = 0; i < 3; i++) {
    term[i].below = (uint16_t)random_below(random_below(2) ? 256 : 40);
    term[i].at = (uint16_t)random_below(100);
    term[i].x = (int16_t)(random_s8() + offset);
  }
  columns.term = term;
  columns.weight = weight + random_below(10);
  columns.step = 1 + random_below(8);
  columns.count = (int16_t)(1 + random_below(3));
  columns.outputs = (int16_t)(1 + random_below(COUNT));
  random_sums();
  columns.acc = want;
  unit_add_columns_c(&columns);
  columns.acc = got;
  CALL(unit_add_columns_msp430)(&columns);
  check("unit_add_columns", want, got, sizeof(want));
}

static void check_sums(int16_t count, int16_t offset) {
  static unit_term term[COUNT];
  const int8_t *weights = weight + random_below(100);
  const uint8_t *quotients = quotient + random_below(100);
  const int16_t threshold = random_below(random_below(2) ? 32386 : 3000);
  for (int16_t i = 0; i < count; i++) {
    term[i].below = (uint16_t)random_below(256);
    term[i].at = (uint16_t)random_below(100);
    term[i].x = (int16_t)(input[i] + offset);
  }
  int32_t sum = unit_sum_above_quotients_c(weights, term, count, quotients);
  int32_t sum_msp430 = CALL(unit_sum_above_quotients_msp430)(weights, term, count, quotients);
  check("unit_sum_above_quotients", &sum, &sum_msp430, sizeof(sum));
  sum = unit_sum_above_threshold_c(weights, term, count, threshold);
  sum_msp430 = CALL(unit_sum_above_threshold_msp430)(weights, term, count, threshold);
  check("unit_sum_above_threshold", &sum, &sum_msp430, sizeof(sum));
}

/* Shifts and multipliers that the short way covers, most often; sums from any size. */
static void random_scale(int32_t *multiplier, int32_t *shift) {
  *multiplier = (int32_t)(random_bits() >> 1);
  if (random_below(8)) *multiplier |= (int32_t)1 << 30;
  *shift = random_below(4) ? -random_below(20) : random_below(62) - 31;
}

static void check_store(int16_t offset) {
  static FAR int32_t bias[4], compensation[4], multiplier[4], shift[4];
  static int8_t outputs[2][4];
  static int8_t plane[2][2 * COUNT];
  unit_outputs output;
  random_sums();
  for (int i = 0; i < 4; i++) {
    bias[i] = (int32_t)random_bits() >> random_below(32);
    compensation[i] = (int32_t)random_bits() >> random_below(32);
    random_scale(multiplier + i, shift + i);
    const int32_t high = unit_high_mul_c(want[i], bias[i]);
    const int32_t high_msp430 = CALL(unit_high_mul_msp430)(want[i], bias[i]);
    check("unit_high_mul", &high, &high_msp430, sizeof(high));
    const int32_t value = unit_requantize_c(want[i], multiplier[i], shift[i]);
    const int32_t value_msp430 = unit_requantize_msp430(want[i], multiplier[i], shift[i]);
    check("unit_requantize", &value, &value_msp430, sizeof(value));
  }
  output.bias = random_below(2) ? bias : NULL;
  output.compensation = random_below(2) ? compensation : NULL;
  output.multiplier = multiplier;
  output.shift = shift;
  output.is_per_channel = random_below(2);
  output.offset = (int16_t)-offset;
  output.min = random_below(2) ? output.offset : (int16_t)(random_below(128) - 128);
  output.max = (int16_t)(output.min + random_below((int16_t)(128 - output.min)));
  output.fatrelu_min = random_below(2) ? UNIT_FATRELU_OFF : (int16_t)(random_below(256) - 128);
  output.limits = unit_limits_of(output.offset, output.min, output.max, output.fatrelu_min);
  unit_store_c(&output, want, 4, outputs[0]);
  CALL(unit_store_msp430)(&output, want, 4, outputs[1]);
  check("unit_store", outputs[0], outputs[1], sizeof(outputs[0]));
  /* Sums that give outputs in range, and ties. */
  output.bias = output.compensation = NULL;
  for (int i = 0; i < COUNT; i++) {
    const int16_t e = (int16_t)-shift[0];
    if (e > 0 && e < 16) want[i] = (int32_t)(random_bits() >> 16) >> random_below(16) << e >> 7;
    if (random_below(2)) want[i] = -want[i];
    if (i > 0 && random_below(2)) want[i] = want[i - 1];
  }
  const ptrdiff_t step = 1 + random_below(2);
  unit_store_plane_c(&output, want, COUNT / 4 - 1, plane[0], step, 4, COUNT / 4);
  unit_store_plane_msp430(&output, want, COUNT / 4 - 1, plane[1], step, 4, COUNT / 4);
  check("unit_store_plane", plane[0], plane[1], sizeof(plane[0]));
  unit_store_row_c(&output, want, 4, plane[0], 4 + step, 3 + step, 6);
  unit_store_row_msp430(&output, want, 4, plane[1], 4 + step, 3 + step, 6);
  check("unit_store_row", plane[0], plane[1], sizeof(plane[0]));
}

/* Lists of a plan in which each class counts some entries. */
#define LISTS 12
#define CLASSES 4
#define ENTRIES (LISTS * UNIT_PLAN_WINDOW)
static FAR int8_t plan_weight[ENTRIES];
static FAR uint8_t plan_at[ENTRIES], plan_critical[ENTRIES], plan_count[LISTS * CLASSES];
static FAR uint8_t class_of[256];
static int16_t classes;

static void random_plan(int16_t offset) {
  classes = (int16_t)(1 + random_below(CLASSES));
  for (int i = 0; i < ENTRIES; i++) {
    plan_weight[i] = random_s8();
    plan_at[i] = (uint8_t)(4 * random_below(COUNT / 2));
    plan_critical[i] = (uint8_t)(1 + random_below(255));
  }
  for (int list = 0; list < LISTS; list++) {
    int16_t n = random_below(UNIT_PLAN_WINDOW + 1);
    for (int i = classes - 1; i >= 0; i--) {
      plan_count[list * classes + i] = (uint8_t)n;
      if (i > 0) n = random_below((int16_t)(n + 1));
    }
  }
  for (int i = 0; i < 256; i++) class_of[i] = (uint8_t)random_below((int16_t)(classes + 1));
  class_of[(uint8_t)-offset] = 0;
}

static void check_plan_inputs(int16_t offset) {
  unit_plan_inputs inputs;
  const int8_t *end[2];
  inputs.input = input;
  inputs.end = input + 1 + random_below(LISTS);
  inputs.class_of = class_of;
  inputs.weight = plan_weight;
  inputs.at = plan_at;
  inputs.critical = random_below(2) ? plan_critical : NULL;
  inputs.count = plan_count;
  inputs.classes = classes;
  inputs.input_offset = offset;
  random_sums();
  inputs.acc = want;
  end[0] = unit_plan_walk_inputs_c(&inputs);
  inputs.acc = got;
  end[1] = CALL(unit_plan_walk_inputs_msp430)(&inputs);
  check("unit_plan_walk_inputs", want, got, sizeof(want));
  check("unit_plan_walk_inputs end", end, end + 1, sizeof(end[0]));
}

/* Two channels of 6 lists each, two positions. */
static void check_plan_row(int16_t offset) {
  static FAR uint32_t first[2];
  static uint16_t to[7];
  unit_plan_row row;
  first[0] = (uint32_t)random_below(2 * COUNT);
  first[1] = (uint32_t)random_below(2 * COUNT);
  for (int i = 0; i < 6; i++) to[i] = (uint16_t)random_below(COUNT / 2 - 2);
  row.passed = random_below(6);
  row.lists = (int16_t)(1 + random_below((int16_t)(6 - row.passed)));
  to[row.lists] = UINT16_MAX;
  row.input = input;
  row.class_of = class_of;
  row.weight = plan_weight;
  row.at = plan_at;
  row.critical = random_below(2) ? plan_critical : NULL;
  row.count = plan_count + row.passed * classes;
  row.first = first;
  row.row = to;
  row.input_step = 2 + random_below(3);
  row.count_step = 6 * classes;
  row.acc_step = random_below(3);
  row.positions = (int16_t)(1 + random_below(2));
  row.channels = (int16_t)(1 + random_below(2));
  row.classes = classes;
  row.input_offset = offset;
  random_sums();
  row.acc = want;
  unit_plan_walk_c(&row);
  row.acc = got;
  CALL(unit_plan_walk_msp430)(&row);
  check("unit_plan_walk", want, got, sizeof(want));
}

static void check_pool_max(void) {
  static FAR int8_t to[2][COUNT];
  static FAR int8_t image[WEIGHTS];
  unit_pool_windows windows;
  windows.channels = (ptrdiff_t)(1 + random_below(5));
  windows.rows = (ptrdiff_t)(1 + random_below(3));
  windows.columns = (ptrdiff_t)(1 + random_below(3));
  windows.windows = (ptrdiff_t)(1 + random_below(4));
  windows.window_step = windows.channels * (ptrdiff_t)(1 + random_below(2));
  windows.row_step = windows.window_step * windows.windows + windows.columns * windows.channels;
  windows.input = weight;
  for (int i = 0; i < COUNT; i++) to[0][i] = to[1][i] = random_s8();
  windows.output = to[0];
  unit_pool_max_c(&windows);
  windows.output = to[1];
  CALL(unit_pool_max_msp430)(&windows);
  check("unit_pool_max", to[0], to[1], sizeof(to[0]));
  /* The outputs may stand where the windows begin. */
  memcpy(image, weight, WEIGHTS);
  windows.input = windows.output = image;
  CALL(unit_pool_max_msp430)(&windows);
  check("unit_pool_max in place", to[0], image, (size_t)(windows.windows * windows.channels));
}

static void check_sorted(int16_t count) {
  static FAR uint16_t at[COUNT];
  static FAR uint8_t x[COUNT];
  const int16_t w = (int16_t)(random_below(257) - 128);
  const uint32_t value = random_bits();
  const uint16_t first = (uint16_t)random_below(COUNT);
  for (int i = 0; i < count; i++) {
    at[i] = (uint16_t)(4 * ((first + 7 * i) % COUNT));
    x[i] = (uint8_t)random_bits();
  }
  random_sums();
  unit_walk_sorted_c(at, x, count, w, want);
  unit_walk_sorted_msp430(at, x, count, w, got);
  check("unit_walk_sorted", want, got, sizeof(want));
  unit_fill_c((uint32_t *)want, count, value);
  CALL(unit_fill_msp430)((uint32_t *)got, count, value);
  check("unit_fill", want, got, sizeof(want));
}

int main(void) {
  for (int16_t round = 0; round < ROUNDS; round++) {
    const int16_t offset = round % 2 ? 128 : (int16_t)(random_below(256) - 127);
    const int16_t count = (int16_t)(1 + random_below(COUNT));
    for (int i = 0; i < WEIGHTS; i++) {
      weight[i] = random_s8();
      quotient[i] = (uint8_t)random_bits();
    }
    for (int i = 0; i < COUNT; i++) {
      input[i] = random_below(2) ? (int8_t)-offset : random_s8();
    }
    check_gather(count, offset);
    check_dots(count, offset);
    check_columns(offset);
    check_sums(count, offset);
    check_store(offset);
    check_pool_max();
    check_sorted(count);
    random_plan(offset);
    check_plan_inputs(offset);
    check_plan_row(offset);
  }
#ifdef __MSP430X_LARGE__
  if (damaged) unit_machine_write("registers\n", 10);
#endif
  unit_machine_write("done\n", 5);
  return failures != 0;
}
