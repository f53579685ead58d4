// Digits in TensorFlow Lite Micro with the UnIT kernels, at two operating points in turn.
// docs/sketches.md, docs/tflm.md.
#include <stdarg.h>
#include <stdio.h>
#include <tensorflow/lite/micro/micro_context.h>
#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/micro/micro_mutable_op_resolver.h>
#include <tensorflow/lite/schema/schema_generated.h>
#include <tflm_unit.h>

// Arduino's macros would change the headers above.
#include <Arduino.h>

#include "model.h"
#include "samples.h"

// What operators reach during an inference: TFLM's external context.
struct Application {
  tflm_unit::Model pruning;
  unsigned long convolved;  // microseconds since start, at the end of the convolutions

  // A place to poll a radio or to feed a watchdog as well.
  void OnPooling() { convolved = micros(); }
};

static Application application;
static tflite::MicroMutableOpResolver<5> resolver;
alignas(16) static uint8_t arena[12 * 1024];
static tflite::MicroInterpreter *interpreter;
static int sample;
static int right;

// TFLM's messages, those of the overrides included.
extern "C" void DebugLog(const char *format, va_list arguments) {
  char text[160];
  vsnprintf(text, sizeof(text), format, arguments);
  Serial.print(text);
}

extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments) {
  return vsnprintf(buffer, size, format, arguments);
}

// The stock operator, and a word to the application.
static TfLiteStatus Pool(TfLiteContext *context, TfLiteNode *node) {
  static_cast<Application *>(tflite::GetMicroContext(context)->external_context())->OnPooling();
  return tflite::Register_MAX_POOL_2D().invoke(context, node);
}

static void fail(const char *what) {
  Serial.println(what);
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(1);
#endif
  for (;;) delay(1000);
}

static int largest_output() {
  const TfLiteTensor *output = interpreter->output(0);
  int best = 0;
  for (int i = 1; i < static_cast<int>(output->bytes); i++) {
    if (output->data.int8[i] > output->data.int8[best]) best = i;
  }
  return best;
}

static void print_stats() {
  uint32_t total = 0, skipped = 0;
  for (int layer = 0; layer < application.pruning.layer_count(); layer++) {
    const unit_counters counters = application.pruning.counters(layer);
    total += static_cast<uint32_t>(counters.macs_total);
    skipped += static_cast<uint32_t>(counters.macs_skipped);
  }
  application.pruning.ResetCounters();
  Serial.print(static_cast<unsigned long>(skipped));
  Serial.print(" of ");
  Serial.print(static_cast<unsigned long>(total));
  Serial.print(" MACs skipped, ");
}

void setup() {
  Serial.begin(115200);
  if (application.pruning.Init(g_model, g_model_len) != tflm_unit::InitStatus::kOk) {
    fail("no thresholds in the model");
  }
  TFLMRegistration pooling = tflite::Register_MAX_POOL_2D();
  pooling.invoke = Pool;
  tflm_unit::AddUnitOps(resolver, &application.pruning);
  resolver.AddMaxPool2D(pooling);
  resolver.AddReshape();

  static tflite::MicroInterpreter instance(tflite::GetModel(g_model), resolver, arena,
                                           sizeof(arena));
  interpreter = &instance;
  interpreter->SetMicroExternalContext(&application);
  if (interpreter->AllocateTensors() != kTfLiteOk) fail("the arena is too small");
  Serial.print("arena: ");
  Serial.print(static_cast<unsigned long>(interpreter->arena_used_bytes()));
  Serial.println(" bytes");
}

static void classify(int point) {
  application.pruning.SetPoint(point);
  memcpy(interpreter->input(0)->data.int8, samples[sample], sizeof(samples[sample]));
  const unsigned long start = micros();
  if (interpreter->Invoke() != kTfLiteOk) fail("inference failed");
  const unsigned long end = micros();
  const int digit = largest_output();
  right += digit == sample_labels[sample];
  Serial.print(application.pruning.point_name(point));
  Serial.print(": digit ");
  Serial.print(sample_labels[sample]);
  Serial.print(", class ");
  Serial.print(digit);
  Serial.print(", ");
  print_stats();
  Serial.print(end - start);
  Serial.print(" us, convolutions ");
  Serial.print(application.convolved - start);
  Serial.println(" us");
}

void loop() {
  for (int point = 0; point < application.pruning.point_count(); point++) classify(point);
  if (++sample < SAMPLES) return;
  Serial.print(right);
  Serial.print(" of ");
  Serial.print(SAMPLES * application.pruning.point_count());
  Serial.println(" digits recognised");
#ifdef UNIT_ARDUINO_SHIM
  unit_machine_exit(0);
#endif
  sample = right = 0;
  delay(5000);
}
