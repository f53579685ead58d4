/* One layer under its schedules, for layer_firmware.py: marks before, between and after them, then
 * a checksum of each output. layer_data.h is generated. */
#include "core/unit_functions.h"
#include "layer_data.h"
#include "unit_machine.h"

#define SCHEDULES 3

static const unit_dims input_dims = LAYER_INPUT_DIMS;
static const unit_dims filter_dims = LAYER_FILTER_DIMS;
static const unit_dims output_dims = LAYER_OUTPUT_DIMS;
static const int32_t multiplier = LAYER_MULTIPLIER;
static const int32_t shift = LAYER_SHIFT;
static const unit_quant_params quant = {&multiplier, &shift, 0};
static const int16_t threshold = LAYER_THRESHOLD;
static const uint16_t table_row = 0;
static const unit_prune_params prune = {&threshold,    LAYER_OUTPUTS,      NULL,
                                        LAYER_DIVIDER, LAYER_TREE_OR_NULL, LAYER_TABLE_OR_NULL,
                                        &table_row};
static int32_t scratch[(LAYER_SCRATCH + 3) / 4];
static int8_t output[SCHEDULES][LAYER_OUTPUT_SIZE];

#if LAYER_IS_CONV
static const unit_conv_params params = {
    LAYER_INPUT_OFFSET, -128, {1, 1}, {0, 0}, {1, 1}, {-128, 127, UNIT_FATRELU_OFF}, {1, 1}};
#define KERNEL(schedule) unit_conv_##schedule##_s8
#else
static const unit_fc_params params = {LAYER_INPUT_OFFSET, -128, {-128, 127, UNIT_FATRELU_OFF}};
#define KERNEL(schedule) unit_fully_connected_##schedule##_s8
#endif

static void write_hex(uint16_t value) {
  char text[5];
  for (int i = 3; i >= 0; i--) {
    const char digit = (char)(value & 15);
    text[i] = (char)(digit < 10 ? digit + '0' : digit - 10 + 'a');
    value >>= 4;
  }
  text[4] = '\n';
  unit_machine_write(text, sizeof(text));
}

/* Fletcher's checksum. */
static uint16_t checksum(const int8_t *data, int32_t size) {
  uint16_t sum = 0, sums = 0;
  for (int32_t i = 0; i < size; i++) {
    sum = (uint16_t)((sum + (uint8_t)data[i]) % 255);
    sums = (uint16_t)((sums + sum) % 255);
  }
  return (uint16_t)(sums << 8 | sum);
}

int main(void) {
  const unit_context ctx = {scratch, (int32_t)sizeof(scratch), NULL};
  int failed = 0;
  unit_machine_mark();
  failed |= KERNEL(dense)(&ctx, &params, &quant, &input_dims, layer_input, &filter_dims,
                          layer_filter, layer_bias, &output_dims, output[0]);
  unit_machine_mark();
  failed |= KERNEL(zero_skip)(&ctx, &params, &quant, &input_dims, layer_input, &filter_dims,
                              layer_filter, layer_bias, &output_dims, output[1]);
  unit_machine_mark();
  failed |= KERNEL(compare)(&ctx, &params, &quant, &prune, &input_dims, layer_input, &filter_dims,
                            layer_filter, layer_bias, &output_dims, output[2]);
  unit_machine_mark();
  for (int i = 0; i < SCHEDULES; i++) write_hex(checksum(output[i], LAYER_OUTPUT_SIZE));
  return failed ? 1 : 0;
}
