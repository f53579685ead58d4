/* Runs a generated model on harness_samples, layer by layer with a mark around each, and prints
 * what came out. tflm_unit/simulation/console.py reads the lines:
 *
 *   @<kind> <sample> <index> <bytes>
 *
 * all in hexadecimal, numbers with the highest digit first, bytes as they lie in memory; lines of
 * the same kind, sample and index continue each other. Kinds:
 *
 *   - o  index = output: its contents
 *   - c  index = layer: macs_total, macs_zero, macs_skipped, uint64_t each
 *   - s  the deepest use of the stack so far, uint32_t
 *   - e  index = layer: it failed, int32_t unit_status; nothing follows
 *   - z  the end; sample = samples done
 */
#include "harness.h"

#include <string.h>

#include "unit_machine.h"

#define BYTES_PER_LINE 32

typedef struct {
  void *data;
  size_t size;
} input;

typedef struct {
  const void *data;
  size_t size;
} output;

static char *put_hex(char *at, uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    *at++ = "0123456789abcdef"[(value >> shift) & 15];
  }
  return at;
}

static void print_bytes(char kind, uint32_t sample, uint32_t index, const void *data, size_t size) {
  const uint8_t *bytes = (const uint8_t *)data;
  char line[2 + 5 + 5 + 1 + 2 * BYTES_PER_LINE + 1];
  do {
    size_t count = size < BYTES_PER_LINE ? size : BYTES_PER_LINE;
    char *at = line;
    *at++ = '@';
    *at++ = kind;
    *at++ = ' ';
    at = put_hex(at, sample, 4);
    *at++ = ' ';
    at = put_hex(at, index, 4);
    *at++ = ' ';
    for (size_t i = 0; i < count; i++) {
      at = put_hex(at, bytes[i], 2);
    }
    *at++ = '\n';
    unit_machine_write(line, (size_t)(at - line));
    bytes += count;
    size -= count;
  } while (size > 0);
}

static void set_inputs(const uint8_t *sample) {
  const input inputs[] = {HARNESS_INPUTS};
  for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
    memcpy(inputs[i].data, sample, inputs[i].size);
    sample += inputs[i].size;
  }
}

static void print_results(uint32_t sample) {
  const output outputs[] = {HARNESS_OUTPUTS};
  for (uint32_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
    print_bytes('o', sample, i, outputs[i].data, outputs[i].size);
  }
  for (int layer = 0; layer < MODEL_LAYERS; layer++) {
    const unit_counters *stats = model_stats(layer);
    if (stats != NULL) {
      const uint64_t counts[] = {stats->macs_total, stats->macs_zero, stats->macs_skipped};
      print_bytes('c', sample, (uint32_t)layer, counts, sizeof(counts));
    }
  }
}

/* Runs all layers; returns the one that failed, MODEL_LAYERS when none did. */
static int run_layers(unit_status *status) {
  for (int layer = 0; layer < MODEL_LAYERS; layer++) {
    unit_machine_mark();
    *status = model_invoke_layer(layer);
    if (*status != UNIT_SUCCESS) {
      return layer;
    }
  }
  unit_machine_mark();
  return MODEL_LAYERS;
}

static int fail(uint32_t sample, int layer, unit_status status) {
  const int32_t code = (int32_t)status;
  print_bytes('e', sample, (uint32_t)layer, &code, sizeof(code));
  return 1;
}

int main(void) {
  unit_status status = model_init();
  if (status != UNIT_SUCCESS) {
    return fail(0, 0, status);
  }
  for (uint32_t sample = 0; sample < harness_samples.count; sample++) {
    set_inputs(harness_samples.inputs[sample]);
    model_clear_stats();
    const int layer = run_layers(&status);
    if (status != UNIT_SUCCESS) {
      return fail(sample, layer, status);
    }
    if (sample == 0) { /* before printing uses the stack as well */
      const uint32_t used = (uint32_t)unit_machine_stack_used();
      print_bytes('s', 0, 0, &used, sizeof(used));
    }
    print_results(sample);
  }
  print_bytes('z', harness_samples.count, 0, "", 0);
  return 0;
}
