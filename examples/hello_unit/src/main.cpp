// Classifies ten digits with generated C and prints how many MACs UnIT skipped. docs/sketches.md.
#include <Arduino.h>

#include "model/digits.h"
#include "samples.h"

static int sample;
static int right;
static uint32_t macs_total;
static uint32_t macs_skipped;

static int largest_output() {
  const int8_t *scores = digits_output();
  int best = 0;
  for (int i = 1; i < DIGITS_OUTPUT_SIZE; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

// Counted when UNIT_ENABLE_COUNTERS is defined: a release build leaves it out.
static uint32_t skipped(uint32_t *total) {
  uint32_t sum = 0;
  *total = 0;
  for (int layer = 0; layer < DIGITS_LAYERS; layer++) {
    const unit_counters *stats = digits_stats(layer);
    if (stats == NULL) continue;
    *total += (uint32_t)stats->macs_total;
    sum += (uint32_t)stats->macs_skipped;
  }
  return sum;
}

static void print_share(uint32_t part, uint32_t whole) {
  const uint32_t per_mille = whole == 0 ? 0 : (part * 1000 + whole / 2) / whole;
  Serial.print((unsigned long)(per_mille / 10));
  Serial.print('.');
  Serial.print((unsigned long)(per_mille % 10));
  Serial.print(" % of MACs skipped");
}

// A simulation ends here, with a status that says whether the digits were recognised.
static void finish() {
  Serial.print(right);
  Serial.print(" of ");
  Serial.print(SAMPLES);
  Serial.print(" digits recognised, ");
  print_share(macs_skipped, macs_total);
  Serial.println();
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(right == SAMPLES ? 0 : 1);
#endif
  sample = right = 0;
  macs_total = macs_skipped = 0;
  delay(5000);
}

void setup() {
  Serial.begin(115200);
  digits_init();
}

void loop() {
  uint32_t total;
  memcpy(digits_input(), samples[sample], DIGITS_INPUT_SIZE);
  digits_clear_stats();
  if (digits_invoke() != UNIT_SUCCESS) Serial.println("inference failed");
  const int digit = largest_output();
  const uint32_t skipped_now = skipped(&total);
  Serial.print("digit ");
  Serial.print(sample_labels[sample]);
  Serial.print(": class ");
  Serial.print(digit);
  Serial.print(", ");
  print_share(skipped_now, total);
  Serial.println();

  right += digit == sample_labels[sample];
  macs_total += total;
  macs_skipped += skipped_now;
  if (++sample == SAMPLES) finish();
}
