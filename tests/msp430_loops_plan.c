/* Part of msp430_loops.c: the walks of the planned schedule. */
#include "msp430_loops.h"

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

void check_plan(int16_t offset) {
  random_plan(offset);
  check_plan_inputs(offset);
  check_plan_row(offset);
}
