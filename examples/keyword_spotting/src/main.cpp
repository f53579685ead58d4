// Listens for ten keywords: audio comes in blocks of 20 ms, each gives one frame of MFCC, and every
// tenth frame the model looks at the last second. docs/sketches.md.
#include <Arduino.h>

#include "front_end.h"
#include "model/kws.h"
#include "speech.h"

static const uint32_t kFrames = KWS_INPUT_SIZE / FRONT_END_FEATURES;  // that the model looks at
static const uint32_t kStride = 10;                                   // frames from look to look
static const int kLooks = 3;  // in a row that must agree on a keyword

static const char *const kClasses[KWS_OUTPUT_SIZE] = {
    "down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown"};
static const int kKeywords = 10;  // the first ones

static front_end audio;
static int8_t ring[kFrames][FRONT_END_FEATURES];
static uint32_t frames;  // so far; the next one goes to frames % kFrames
static int last_class = -1;
static int agreed;
static int heard;  // words in the right order

// Copies the ring into the model's input, oldest frame first.
static void fill_input() {
  const uint32_t oldest = frames % kFrames;
  const size_t tail = sizeof(ring[0]) * (kFrames - oldest);
  memcpy(kws_input(), ring[oldest], tail);
  memcpy(kws_input() + tail, ring[0], sizeof(ring) - tail);
}

static int largest_output() {
  const int8_t *scores = kws_output();
  int best = 0;
  for (int i = 1; i < KWS_OUTPUT_SIZE; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

static void look() {
  fill_input();
  if (kws_invoke() != UNIT_SUCCESS) Serial.println("inference failed");
  const int best = largest_output();
  agreed = best == last_class ? agreed + 1 : 1;
  last_class = best;
  Serial.print((unsigned long)(frames * 20));
  Serial.print(" ms: ");
  Serial.print(kClasses[best]);
  Serial.print(", score ");
  Serial.println(kws_output()[best]);
  if (best < kKeywords && agreed == kLooks) {
    Serial.print("heard: ");
    Serial.println(kClasses[best]);
    if (heard < SPEECH_WORDS && strcmp(kClasses[best], speech_words[heard]) == 0) heard++;
  }
}

// A simulation ends here, with a status that says whether the words were recognised.
static void finish() {
  Serial.print(heard);
  Serial.print(" of ");
  Serial.print(SPEECH_WORDS);
  Serial.println(" words recognised");
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(heard == SPEECH_WORDS ? 0 : 1);
#endif
  speech_init();
  heard = 0;
}

void setup() {
  Serial.begin(115200);
  front_end_init(&audio);
  speech_init();
  kws_init();
}

// On a board with a microphone, read a block from it instead of speech_read().
void loop() {
  int16_t samples[FRONT_END_HOP];
  const int more = speech_read(samples, FRONT_END_HOP);
  for (int i = 0; i < FRONT_END_HOP; i++) {
    if (!front_end_add(&audio, samples[i], ring[frames % kFrames])) continue;
    frames++;
    if (frames >= kFrames && (frames - kFrames) % kStride == 0) look();
  }
  if (!more) finish();
}
