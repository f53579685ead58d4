/* The MSP430 versions of the inner loops against their C references, on random data; for
 * test_msp430_loops.py. Prints the name of each loop whose results differ, then "done". */
#include "msp430_loops.h"

#include "core/unit_pool_walk.h"

#define WEIGHTS 512
#define CHANNELS 4
#ifndef ROUNDS
#define ROUNDS 60
#endif

#ifdef __MSP430X_LARGE__
void (*preserved)(void);
int damaged;
void preserving(void);
__asm__(
    ".text\n"
    ".balign 2\n"
    ".global preserving\n"
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
#endif

static FAR int8_t weight[WEIGHTS];
static FAR uint8_t quotient[WEIGHTS];
FAR int8_t input[COUNT];
int32_t want[COUNT], got[COUNT];
static int failures;

uint32_t random_bits(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

int16_t random_below(int16_t limit) { return (int16_t)(random_bits() % (uint32_t)limit); }

int8_t random_s8(void) {
  static const int8_t extremes[4] = {-128, -127, 127, 0};
  return random_below(4) == 0 ? extremes[random_below(4)] : (int8_t)random_bits();
}

void check(const char *name, const void *a, const void *b, size_t size) {
  if (memcmp(a, b, size) == 0) return;
  unit_machine_write(name, strlen(name));
  unit_machine_write("\n", 1);
  failures++;
}

void random_sums(void) {
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
    check_largest_sums();
    check_pool_max();
    check_sorted(count);
    check_plan(offset);
  }
#ifdef __MSP430X_LARGE__
  if (damaged) unit_machine_write("registers\n", 10);
#endif
  unit_machine_write("done\n", 5);
  return failures != 0;
}
