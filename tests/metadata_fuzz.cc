// Feeds damaged .tflite files to the device's readers, and the plans that they let pass to the
// kernels; built with sanitizers, which turn any access outside the input into a failure.
// Arguments: a file, the number of random mutations, a seed, and the layers of the file as lists of
// the numbers in FuzzLayer. Prints "accepted <n> refused <n> ran <n> unfit <n>": TFLM_UNIT blocks,
// and plans in them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "core/unit_functions.h"
#include "tflm/crc32.h"
#include "tflm/flatbuffer.h"
#include "tflm/metadata.h"

namespace {

using tflm_unit::Bytes;

struct Verdicts {
  long accepted;
  long refused;
  long ran;
  long unfit;
};

struct FuzzLayer {
  int32_t op;
  unit_dims input;
  unit_dims filter;
  unit_dims output;
  unit_tile stride;
  unit_tile padding;
  unit_tile dilation;
  int32_t input_offset;
  int32_t ch_mult;
};

std::vector<FuzzLayer> layers;

const unit_activation kNoActivation = {-128, 127, UNIT_FATRELU_OFF};
const int32_t kMultiplier = 1 << 30;
const int32_t kShift = -8;
const unit_quant_params kQuant = {&kMultiplier, &kShift, 0};

// Buffers of exactly the right size.
template <typename T>
struct Buffer {
  explicit Buffer(int64_t size) : data(new T[static_cast<size_t>(size)]()) {}
  std::unique_ptr<T[]> data;
};

int64_t Elements(const unit_dims &dims) {
  return static_cast<int64_t>(dims.n) * dims.h * dims.w * dims.c;
}

// PlanFits() and, if it does, the kernel.
bool RunPlan(const FuzzLayer &layer, const tflm_unit::StoredPlan &stored) {
  const unit_conv_params conv = {
      layer.input_offset, 0, layer.stride, layer.padding, layer.dilation, kNoActivation, {1, 1}};
  const unit_dw_conv_params depthwise = {
      layer.input_offset, 0, layer.ch_mult, layer.stride, layer.padding, layer.dilation,
      kNoActivation};
  const unit_fc_params dense = {layer.input_offset, 0, kNoActivation};
  const tflm_unit::PlanGeometry geometry =
      layer.op == 3   ? tflm_unit::GeometryOf(conv, layer.input, layer.filter)
      : layer.op == 4 ? tflm_unit::GeometryOf(depthwise, layer.input, layer.filter)
                      : tflm_unit::GeometryOf(dense, layer.filter);
  if (!tflm_unit::PlanFits(stored, geometry)) return false;
  const unit_plan &plan = stored.plan;
  const int32_t size = layer.op == 3 ? unit_conv_planned_s8_get_buffer_size(
                                           &conv, &plan, &layer.input, &layer.filter, &layer.output)
                       : layer.op == 4
                           ? unit_depthwise_conv_planned_s8_get_buffer_size(
                                 &depthwise, &plan, &layer.input, &layer.filter, &layer.output)
                           : unit_fully_connected_planned_s8_get_buffer_size(&plan);
  const Buffer<uint8_t> scratch(size);
  const Buffer<int8_t> input(Elements(layer.input)), output(Elements(layer.output));
  for (int64_t i = 0; i < Elements(layer.input); ++i) {
    input.data[static_cast<size_t>(i)] = static_cast<int8_t>(37 * i);
  }
  const unit_context context = {scratch.data.get(), size, nullptr};
  const unit_status status =
      layer.op == 3
          ? unit_conv_planned_s8(&context, &conv, &kQuant, &plan, &layer.input, input.data.get(),
                                 &layer.filter, nullptr, &layer.output, output.data.get())
      : layer.op == 4
          ? unit_depthwise_conv_planned_s8(&context, &depthwise, &kQuant, &plan, &layer.input,
                                           input.data.get(), &layer.filter, nullptr, &layer.output,
                                           output.data.get())
          : unit_fully_connected_planned_s8(&context, &dense, &kQuant, &plan, &layer.input,
                                            input.data.get(), &layer.filter, nullptr, &layer.output,
                                            output.data.get());
  if (status != UNIT_SUCCESS) std::abort();
  return true;
}

// Everything that a kernel may read through the accessors.
int64_t ReadAll(const tflm_unit::Metadata &metadata, Verdicts *verdicts) {
  int64_t sum = 0;
  for (int point = 0; point < metadata.point_count(); ++point) {
    sum += static_cast<int64_t>(std::strlen(metadata.point_name(point)));
    for (int layer = 0; layer < metadata.layer_count(); ++layer) {
      const int32_t channels = metadata.layer(layer).output_channels;
      if (metadata.FindLayer(metadata.layer(layer).weights_tensor) != layer) std::abort();
      tflm_unit::Pruning pruning;
      if (!metadata.Prune(layer, point, &pruning)) continue;
      const unit_prune_params &prune = pruning.compare;
      for (int32_t channel = 0; channel < channels; ++channel) {
        const int32_t group = channel / prune.group_size;
        sum += prune.threshold[group];
        if (prune.compensation != nullptr) sum += prune.compensation[channel];
        if (prune.table == nullptr) continue;
        sum += prune.table[prune.table_row[group] * UNIT_TABLE_ROW + UNIT_TABLE_ROW - 1];
      }
      if (prune.tree != nullptr) sum += prune.tree[UNIT_TREE_SIZE - 1];
      const size_t index = static_cast<size_t>(layer);
      if (pruning.schedule != tflm_unit::Schedule::kPlanned || index >= layers.size() ||
          metadata.layer(layer).op != layers[index].op) {
        continue;
      }
      ++(RunPlan(layers[index], pruning.planned) ? verdicts->ran : verdicts->unfit);
    }
  }
  return sum;
}

void ReadBlock(const Bytes &block, Verdicts *verdicts) {
  tflm_unit::Metadata metadata;
  if (metadata.Parse(block.data, block.size) == nullptr) {
    ++verdicts->accepted;
  } else {
    ++verdicts->refused;
  }
  volatile int64_t sum = ReadAll(metadata, verdicts);
  (void)sum;
}

// A copy on the heap, so that the sanitizer knows its exact end.
void ReadFile(const std::vector<uint8_t> &file, size_t size, Verdicts *verdicts) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  if (size > 0) std::memcpy(copy.get(), file.data(), size);
  const Bytes bytes = {copy.get(), size};
  Bytes block;
  if (tflm_unit::FindMetadata(bytes, "TFLM_UNIT", &block)) ReadBlock(block, verdicts);
  for (uint32_t tensor = 0; tensor < 8; ++tensor) {
    Bytes data;
    if (!tflm_unit::FindTensorData(bytes, tensor, &data)) continue;
    volatile uint32_t crc = tflm_unit::Crc32(data.data, data.size);
    (void)crc;
  }
}

// Overwrites a few bytes; those of the block mostly get a checksum that fits again.
void Damage(std::mt19937 *random, size_t block_at, size_t block_size, std::vector<uint8_t> *file) {
  static const uint8_t kCorners[] = {0, 1, 2, 4, 16, 127, 128, 255};
  for (auto n = (*random)() % 3 + 1; n > 0; --n) {
    const bool in_block = (*random)() % 2 == 0;
    const size_t at = in_block ? block_at + (*random)() % block_size : (*random)() % file->size();
    (*file)[at] =
        (*random)() % 2 == 0 ? static_cast<uint8_t>((*random)()) : kCorners[(*random)() % 8];
  }
  if ((*random)() % 8 == 0) return;
  uint32_t size;
  std::memcpy(&size, &(*file)[block_at + 8], 4);
  if (size < 16 || size > block_size) return;
  const uint32_t crc = tflm_unit::Crc32(&(*file)[block_at + 16], size - 16);
  std::memcpy(&(*file)[block_at + 12], &crc, 4);
}

}  // namespace

int main(int argc, char **argv) {
  const int numbers = sizeof(FuzzLayer) / sizeof(int32_t);
  if (argc < 4 || (argc - 4) % numbers != 0) return 2;
  for (int i = 4; i < argc; i += numbers) {
    int32_t values[numbers];
    for (int k = 0; k < numbers; ++k) values[k] = static_cast<int32_t>(std::atol(argv[i + k]));
    layers.emplace_back();
    std::memcpy(&layers.back(), values, sizeof(values));
  }
  std::ifstream stream(argv[1], std::ios::binary);
  const std::vector<uint8_t> file{std::istreambuf_iterator<char>(stream), {}};
  Bytes block;
  if (!tflm_unit::FindMetadata({file.data(), file.size()}, "TFLM_UNIT", &block)) return 3;
  const size_t block_at = static_cast<size_t>(block.data - file.data());

  Verdicts verdicts = {0, 0, 0, 0};
  for (size_t size = 0; size <= file.size(); ++size) ReadFile(file, size, &verdicts);
  std::mt19937 random(static_cast<unsigned>(std::atol(argv[3])));
  for (long i = std::atol(argv[2]); i > 0; --i) {
    std::vector<uint8_t> damaged = file;
    Damage(&random, block_at, block.size, &damaged);
    ReadFile(damaged, damaged.size(), &verdicts);
  }
  std::printf("accepted %ld refused %ld ran %ld unfit %ld\n", verdicts.accepted, verdicts.refused,
              verdicts.ran, verdicts.unfit);
  return 0;
}
