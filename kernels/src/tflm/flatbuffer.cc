#include "tflm/flatbuffer.h"

#include <string.h>

#include "tflm/bytes.h"
#include "tflm/compat.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {
namespace {

// Field numbers of schema.fbs.
enum {
  kModelSubgraphs = 2,
  kModelBuffers = 4,
  kModelMetadata = 6,
  kSubgraphTensors = 0,
  kTensorBuffer = 2,
  kBufferData = 0,
  kMetadataName = 0,
  kMetadataBuffer = 1
};

// Positions are offsets from the start of the file; 0 stands for "absent or out of bounds", since
// no table, vector or field can be at 0. Files are below 2 GiB, so sums of a position and a 16-bit
// offset do not wrap.
typedef uint32_t Position;

struct Vector {
  Position first;
  uint32_t count;
};

class File {
 public:
  explicit File(const Bytes &bytes)
      : data_(bytes.data),
        size_(bytes.size < kMaxSize ? static_cast<uint32_t>(bytes.size) : kMaxSize) {}

  Position Root() const {
    const bool is_tflite = Contains(0, 8) && memcmp(data_ + 4, "TFL3", 4) == 0;
    return is_tflite ? Follow(0) : 0;
  }

  // A field of at least four bytes, which all fields above are.
  Position Field(Position table, uint32_t number) const {
    if (table == 0 || !Contains(table, 4)) return 0;
    // The vtable lies at a signed distance; wrapping puts anything outside the file beyond its end.
    const Position vtable = table - Load32(data_ + table);
    if (!Contains(vtable, 4)) return 0;
    const uint32_t entry = 4 + 2 * number;
    if (entry + 2 > Load16(data_ + vtable) || !Contains(vtable, entry + 2)) return 0;
    const uint32_t offset = Load16(data_ + vtable + entry);
    return offset != 0 && Contains(table + offset, 4) ? table + offset : 0;
  }

  uint32_t Scalar(Position table, uint32_t number) const {
    const Position field = Field(table, number);
    return field == 0 ? 0 : Load32(data_ + field);
  }

  Vector VectorField(Position table, uint32_t number, uint32_t element_size) const {
    const Vector none = {0, 0};
    const Position field = Field(table, number);
    const Position at = field == 0 ? 0 : Follow(field);
    if (at == 0) return none;
    const Vector vector = {at + 4, Load32(data_ + at)};
    return vector.count <= (size_ - vector.first) / element_size ? vector : none;
  }

  Position TableElement(const Vector &vector, uint32_t index) const {
    return index < vector.count ? Follow(vector.first + 4 * index) : 0;
  }

  bool Equals(const Vector &string, const char *text) const {
    return string.count == strlen(text) && memcmp(data_ + string.first, text, string.count) == 0;
  }

  bool Buffer(uint32_t index, Bytes *buffer) const {
    const Vector buffers = VectorField(Root(), kModelBuffers, 4);
    const Vector data = VectorField(TableElement(buffers, index), kBufferData, 1);
    buffer->data = data_ + data.first;
    buffer->size = data.count;
    return data.count != 0;
  }

 private:
  static const uint32_t kMaxSize = 0x7fffffff;

  bool Contains(Position at, uint32_t bytes) const { return at <= size_ && bytes <= size_ - at; }

  // The table or vector that the offset at `at` (inside the file) refers to; both begin with 4
  // bytes.
  Position Follow(Position at) const {
    const uint32_t offset = Load32(data_ + at);
    return offset != 0 && offset <= size_ - at && Contains(at + offset, 4) ? at + offset : 0;
  }

  const uint8_t *data_;
  uint32_t size_;
};

}  // namespace

bool FindMetadata(const Bytes &tflite, const char *name, Bytes *buffer) {
  const File file(tflite);
  const Vector entries = file.VectorField(file.Root(), kModelMetadata, 4);
  for (uint32_t i = 0; i < entries.count; ++i) {
    const Position entry = file.TableElement(entries, i);
    if (file.Equals(file.VectorField(entry, kMetadataName, 1), name)) {
      return file.Buffer(file.Scalar(entry, kMetadataBuffer), buffer);
    }
  }
  return false;
}

bool FindTensorData(const Bytes &tflite, uint32_t tensor, Bytes *buffer) {
  const File file(tflite);
  const Position subgraph = file.TableElement(file.VectorField(file.Root(), kModelSubgraphs, 4), 0);
  const Vector tensors = file.VectorField(subgraph, kSubgraphTensors, 4);
  const Position position = file.TableElement(tensors, tensor);
  return position != 0 && file.Buffer(file.Scalar(position, kTensorBuffer), buffer);
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
