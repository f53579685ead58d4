// The paper's LeNet on MSP430: classifies ten drawn digits. Prints the time that an inference
// takes, or, where UNIT_ENABLE_COUNTERS is defined, how many MACs it kept: counting takes time
// itself. docs/sketches.md.
#include <Arduino.h>

#include "model/lenet.h"
#include "samples.h"

static int sample;
static int right;

static int largest_output() {
  const int8_t *scores = lenet_output();
  int best = 0;
  for (int i = 1; i < LENET_OUTPUT_SIZE; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

#ifdef UNIT_ENABLE_COUNTERS
static void print_cost(unsigned long) {
  uint32_t total = 0, skipped = 0;
  for (int layer = 0; layer < LENET_LAYERS; layer++) {
    const unit_counters *stats = lenet_stats(layer);
    if (stats == NULL) continue;
    total += (uint32_t)stats->macs_total;
    skipped += (uint32_t)stats->macs_skipped;
  }
  Serial.print((unsigned long)(total - skipped));
  Serial.print(" of ");
  Serial.print((unsigned long)total);
  Serial.println(" MACs kept");
}
#else
static void print_cost(unsigned long milliseconds) {
  Serial.print(milliseconds);
  Serial.println(" ms");
}
#endif

// A simulation ends here, with a status that says whether the digits were recognised.
static void finish() {
  Serial.print(right);
  Serial.print(" of ");
  Serial.print(SAMPLES);
  Serial.println(" digits recognised");
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(right == SAMPLES ? 0 : 1);
#endif
  sample = right = 0;
  delay(5000);
}

void setup() {
  Serial.begin(115200);
  lenet_init();
}

void loop() {
  memcpy(lenet_input(), samples[sample], LENET_INPUT_SIZE);
  lenet_clear_stats();
  const unsigned long start = millis();
  if (lenet_invoke() != UNIT_SUCCESS) Serial.println("inference failed");
  const unsigned long milliseconds = millis() - start;

  const int digit = largest_output();
  Serial.print("digit ");
  Serial.print(sample_labels[sample]);
  Serial.print(": class ");
  Serial.print(digit);
  Serial.print(", ");
  print_cost(milliseconds);
  right += digit == sample_labels[sample];
  if (++sample == SAMPLES) finish();
}
