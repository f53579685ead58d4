// Feeds damaged .tflite files to the device's readers; built with sanitizers, which turn any access
// outside the input into a failure. Arguments: a file, the number of random mutations, a seed.
// Prints "accepted <n> refused <n>" about the TFLM_UNIT blocks that it met.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "tflm/crc32.h"
#include "tflm/flatbuffer.h"
#include "tflm/metadata.h"

namespace {

using tflm_unit::Bytes;

struct Verdicts {
  long accepted;
  long refused;
};

// Everything that a kernel may read through the accessors.
int64_t ReadAll(const tflm_unit::Metadata &metadata) {
  int64_t sum = 0;
  for (int point = 0; point < metadata.point_count(); ++point) {
    sum += static_cast<int64_t>(std::strlen(metadata.point_name(point)));
    for (int layer = 0; layer < metadata.layer_count(); ++layer) {
      const int32_t channels = metadata.layer(layer).output_channels;
      if (metadata.FindLayer(metadata.layer(layer).weights_tensor) != layer) std::abort();
      unit_prune_params prune;
      int32_t fatrelu_min;
      if (!metadata.Prune(layer, point, &prune, &fatrelu_min)) continue;
      for (int32_t channel = 0; channel < channels; ++channel) {
        const int32_t group = channel / prune.group_size;
        sum += prune.threshold[group];
        if (prune.compensation != nullptr) sum += prune.compensation[channel];
        if (prune.table == nullptr) continue;
        sum += prune.table[prune.table_row[group] * UNIT_TABLE_ROW + UNIT_TABLE_ROW - 1];
      }
      if (prune.tree != nullptr) sum += prune.tree[UNIT_TREE_SIZE - 1];
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
  volatile int64_t sum = ReadAll(metadata);
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
  if (argc != 4) return 2;
  std::ifstream stream(argv[1], std::ios::binary);
  const std::vector<uint8_t> file{std::istreambuf_iterator<char>(stream), {}};
  Bytes block;
  if (!tflm_unit::FindMetadata({file.data(), file.size()}, "TFLM_UNIT", &block)) return 3;
  const size_t block_at = static_cast<size_t>(block.data - file.data());

  Verdicts verdicts = {0, 0};
  for (size_t size = 0; size <= file.size(); ++size) ReadFile(file, size, &verdicts);
  std::mt19937 random(static_cast<unsigned>(std::atol(argv[3])));
  for (long i = std::atol(argv[2]); i > 0; --i) {
    std::vector<uint8_t> damaged = file;
    Damage(&random, block_at, block.size, &damaged);
    ReadFile(damaged, damaged.size(), &verdicts);
  }
  std::printf("accepted %ld refused %ld\n", verdicts.accepted, verdicts.refused);
  return 0;
}
