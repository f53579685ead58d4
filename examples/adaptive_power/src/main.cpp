// A sensor on a supercapacitor: the less charge, the more MACs the next inference skips. Capacitor,
// harvester and energy per MAC are simulated; on a board, read the voltage with analogRead().
// Needs UNIT_ENABLE_COUNTERS, because the simulated inference costs what it computes.
#include <Arduino.h>

#include "model/digits.h"
#include "samples.h"

static const int32_t kCapacitance = 1000;     // microfarad
static const int32_t kFullCharge = 5445;      // microjoule: 3.3 V
static const int32_t kNanojoulesPerMac = 30;  // 40 cycles of an MSP430
static const int32_t kStandby = 20;           // microjoule between two inferences
static const int32_t kOff = 1800;             // millivolt below which the CPU stops

// Each operating point is left below its first voltage for the next one, which skips more, and
// above its second voltage for the one before. The gap between them keeps it from switching to and
// fro.
static const int16_t kLimits[DIGITS_POINTS][2] = {{2900, INT16_MAX}, {2400, 3100}, {0, 2600}};

static int32_t charge = kFullCharge;  // microjoule
static int step;
static int point;
static int right;
static unsigned visited = 1;

// It is dark for 15 inferences, then light for 15.
static int32_t harvested() { return step % 30 < 15 ? 20 : 450; }

// E = C V^2 / 2; the largest integer whose square is not above V^2.
static int32_t millivolts() {
  const int32_t square = charge * (2000000 / kCapacitance);
  int32_t root = 0;
  for (int32_t bit = 1L << 12; bit > 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= square) root += bit;
  }
  return root;
}

static void choose_point(int32_t voltage) {
  if (voltage < kLimits[point][0]) {
    point++;
  } else if (voltage > kLimits[point][1]) {
    point--;
  }
  digits_set_point(point);
  visited |= 1u << point;
}

static int largest_output() {
  const int8_t *scores = digits_output();
  int best = 0;
  for (int i = 1; i < DIGITS_OUTPUT_SIZE; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

static int32_t macs_kept() {
  int32_t kept = 0;
  for (int layer = 0; layer < DIGITS_LAYERS; layer++) {
    const unit_counters *stats = digits_stats(layer);
    if (stats != NULL) kept += (int32_t)(stats->macs_total - stats->macs_skipped);
  }
  return kept;
}

static void report(int32_t voltage, int label, int digit, int32_t kept) {
  Serial.print((long)voltage);
  Serial.print(" mV, ");
  Serial.print(digits_point_names[point]);
  Serial.print(": digit ");
  Serial.print(label);
  Serial.print(", class ");
  Serial.print(digit);
  Serial.print(", ");
  Serial.print((long)kept);
  Serial.println(" MACs kept");
}

// A simulation ends here, with a status that says whether every point had its turn.
static void finish() {
  Serial.print(right);
  Serial.print(" of ");
  Serial.print(step);
  Serial.println(" digits recognised");
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(visited == (1u << DIGITS_POINTS) - 1 ? 0 : 1);
#endif
  step = right = 0;
}

void setup() {
  Serial.begin(115200);
  digits_init();
}

void loop() {
  const int32_t voltage = millivolts();
  if (voltage >= kOff) {
    const int sample = step % SAMPLES;
    choose_point(voltage);
    memcpy(digits_input(), samples[sample], DIGITS_INPUT_SIZE);
    digits_clear_stats();
    if (digits_invoke() != UNIT_SUCCESS) Serial.println("inference failed");
    const int digit = largest_output();
    const int32_t kept = macs_kept();
    report(voltage, sample_labels[sample], digit, kept);
    right += digit == sample_labels[sample];
    charge -= kept * kNanojoulesPerMac / 1000;
  }
  charge += harvested() - kStandby;
  if (charge > kFullCharge) charge = kFullCharge;
  if (++step == 30) finish();
}
