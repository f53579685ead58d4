// Validation of a TFLM_UNIT block: afterwards the accessors need no checks at all. Every function
// returns the name of the first field at fault, or nullptr.
#include <string.h>

#include "tflm/bytes.h"
#include "tflm/compat.h"
#include "tflm/crc32.h"
#include "tflm/metadata.h"
#include "tflm/metadata_format.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace format;

namespace {

bool AllZero(const uint8_t *p, int size) {
  for (int i = 0; i < size; ++i) {
    if (p[i] != 0) return false;
  }
  return true;
}

bool IsRate(const uint8_t *p) {
  const float value = LoadFloat(p);
  return (value >= 0.0f && value <= 1.0f) || value != value;
}

const uint8_t kFullyConnected = 9;  // BuiltinOperator

bool IsPrunableOp(uint8_t op) { return op == 3 || op == 4 || op == kFullyConnected; }

// The leaf that control terms of `bits` bits reach, 0 when the tree is malformed on the way.
// Children lie behind their parents, so the walk ends.
int WalkTree(const uint8_t *tree, int bits) {
  int node = 0;
  for (;;) {
    const uint8_t *fields = tree + 3 * node;
    const int pivot = fields[0];
    if (pivot < 1 || pivot > 7) return 0;
    // c < 2^pivot is the same for all c of one bit length.
    const int child = fields[bits <= pivot ? 1 : 2];
    if ((child & UNIT_TREE_LEAF) != 0) return child & ~UNIT_TREE_LEAF;
    if (child <= node || 3 * child >= UNIT_TREE_SIZE) return 0;
    node = child;
  }
}

// Whether row[c] is floor(threshold / c), clipped to 255, for c = 1..255; found without dividing. A
// negative threshold uses no quotients.
bool HoldsQuotients(const uint8_t *row, int32_t threshold) {
  for (int32_t c = 1; threshold >= 0 && c < UNIT_TABLE_ROW; ++c) {
    const int32_t quotient = row[c];
    if (quotient * c > threshold) return false;
    if (quotient < 255 && (quotient + 1) * c <= threshold) return false;
  }
  return true;
}

}  // namespace

const char *Metadata::Parse(const uint8_t *block, size_t size) {
  *this = Metadata();
  block_ = block;
  const char *fault = CheckHeader(size);
  if (fault == nullptr) {
    layer_count_ = static_cast<int>(Load16(block + kHeaderLayerCount));
    point_count_ = static_cast<int>(Load16(block + kHeaderPointCount));
    fault = CheckLayers();
  }
  for (int point = 0; fault == nullptr && point < point_count_; ++point) fault = CheckPoint(point);
  if (fault != nullptr) *this = Metadata();
  return fault;
}

// `element_size` elements of the array at `offset` lie inside the block and behind the header.
bool Metadata::Fits(uint32_t offset, uint32_t count, uint32_t element_size,
                    uint32_t alignment) const {
  return offset >= kHeaderSize && offset % alignment == 0 && offset <= size_ &&
         count <= (size_ - offset) / element_size;
}

const char *Metadata::CheckHeader(size_t available) {
  if (available < kHeaderSize) return "size";
  if (memcmp(block_, "UnIT", 4) != 0) return "magic";
  if (Load16(block_ + kHeaderVersion) != kVersion) return "version";
  if (Load16(block_ + kHeaderHeaderSize) != kHeaderSize) return "header_size";
  size_ = Load32(block_ + kHeaderBlockSize);
  if (size_ < kHeaderSize || size_ > available) return "size";
  const uint32_t crc = Crc32(block_ + kHeaderChecked, size_ - kHeaderChecked);
  if (Load32(block_ + kHeaderCrc) != crc) return "crc32";
  // Arrays are used in place. A flatbuffer that is loaded at an aligned address is aligned enough.
  if (reinterpret_cast<uintptr_t>(block_) % 4 != 0) return "alignment of the block";
  const uint32_t layers = Load16(block_ + kHeaderLayerCount);
  const uint32_t points = Load16(block_ + kHeaderPointCount);
  if (layers == 0) return "layer_count";
  if (points == 0) return "point_count";
  if (!Fits(Load32(block_ + kHeaderLayers), layers, kLayerSize, 4)) return "layers_offset";
  if (!Fits(Load32(block_ + kHeaderPoints), points, kPointSize, 4)) return "points_offset";
  if (!AllZero(block_ + kHeaderReserved, 4)) return "header.reserved";
  return nullptr;
}

const char *Metadata::CheckLayers() const {
  for (int i = 0; i < layer_count_; ++i) {
    const uint8_t *p = LayerAt(i);
    if (i > 0 && layer(i).weights_tensor <= layer(i - 1).weights_tensor) return "weights_tensor";
    if (layer(i).output_channels < 1) return "output_channels";
    if (!IsPrunableOp(p[kLayerOp])) return "op";
    if (p[kLayerReserved] != 0) return "layer.reserved";
    if (layer(i).center < -255 || layer(i).center > 255) return "center";
  }
  return nullptr;
}

const char *Metadata::CheckPoint(int point) const {
  const uint8_t *p = PointAt(point);
  const uint8_t *end = static_cast<const uint8_t *>(memchr(p + kPointName, 0, kPointNameSize));
  if (end == nullptr) return "name";
  if (!AllZero(end, static_cast<int>(p + kPointName + kPointNameSize - end))) return "name";
  if (!IsRate(p + kPointAccuracy)) return "accuracy";
  if (!IsRate(p + kPointSkipRate)) return "skip_rate";
  const uint32_t layers = static_cast<uint32_t>(layer_count_);
  if (!Fits(Load32(p + kPointEntries), layers, kEntrySize, 4)) return "entries_offset";
  if (!AllZero(p + kPointReserved, 4)) return "point.reserved";
  for (int i = 0; i < layer_count_; ++i) {
    const LayerRecord record = layer(i);
    const uint8_t *entry = EntryAt(i, point);
    const char *fault = CheckEntry(entry, record);
    if (fault == nullptr) fault = CheckSchedule(entry, record.op);
    if (fault != nullptr) return fault;
  }
  return nullptr;
}

const char *Metadata::CheckEntry(const uint8_t *entry, const LayerRecord &record) const {
  if (entry[kEntryPresent] == 0) return AllZero(entry, kEntrySize) ? nullptr : "present";
  if (entry[kEntryPresent] != 1) return "present";
  if (entry[kEntryDivider] >= UNIT_DIVIDER_COUNT) return "divider";
  const int16_t fatrelu_min = static_cast<int16_t>(Load16(entry + kEntryFatreluMin));
  if (fatrelu_min < UNIT_FATRELU_OFF || fatrelu_min > 127) return "fatrelu_min";
  const uint32_t group_size = Load32(entry + kEntryGroupSize);
  const uint32_t output_channels = static_cast<uint32_t>(record.output_channels);
  if (group_size < 1 || group_size > output_channels) return "group_size";
  const uint32_t groups = (output_channels - 1) / group_size + 1;
  const char *fault = CheckThresholds(entry, groups);
  if (fault != nullptr) return fault;
  const uint32_t compensation = Load32(entry + kEntryCompensation);
  if (compensation != 0 && !Fits(compensation, output_channels, 4, 4)) return "compensation";
  // It has what the center adds to the bias.
  if (compensation == 0 && record.center != 0) return "compensation";
  fault = CheckTree(entry);
  return fault != nullptr ? fault : CheckTable(entry, groups);
}

const char *Metadata::CheckThresholds(const uint8_t *entry, uint32_t groups) const {
  const uint32_t offset = Load32(entry + kEntryThresholds);
  if (!Fits(offset, groups, 2, 2)) return "thresholds";
  for (uint32_t i = 0; i < groups; ++i) {
    const int16_t threshold = static_cast<int16_t>(Load16(block_ + offset + 2 * i));
    if (threshold < UNIT_NEVER_SKIP || threshold > UNIT_MAX_THRESHOLD) return "thresholds";
  }
  return nullptr;
}

const char *Metadata::CheckTree(const uint8_t *entry) const {
  const uint32_t offset = Load32(entry + kEntryTree);
  if (entry[kEntryDivider] != UNIT_DIVIDER_BINARY_TREE) return offset == 0 ? nullptr : "tree";
  if (!Fits(offset, UNIT_TREE_SIZE, 1, 1)) return "tree";
  for (int bits = 1; bits <= 8; ++bits) {
    if (WalkTree(block_ + offset, bits) != bits) return "tree";
  }
  return nullptr;
}

const char *Metadata::CheckTable(const uint8_t *entry, uint32_t groups) const {
  const uint32_t table = Load32(entry + kEntryTable);
  const uint32_t table_row = Load32(entry + kEntryTableRow);
  const uint32_t rows = Load32(entry + kEntryTableRows);
  if (entry[kEntryDivider] != UNIT_DIVIDER_TABLE) {
    return table == 0 && table_row == 0 && rows == 0 ? nullptr : "table";
  }
  if (rows == 0) return "table_rows";
  if (!Fits(table, rows, UNIT_TABLE_ROW, 1)) return "table";
  if (!Fits(table_row, groups, 2, 2)) return "table_row";
  for (uint32_t i = 0; i < rows; ++i) {
    if (block_[table + i * UNIT_TABLE_ROW] != 255) return "table";
  }
  const uint8_t *thresholds = block_ + Load32(entry + kEntryThresholds);
  for (uint32_t i = 0; i < groups; ++i) {
    const uint32_t row = Load16(block_ + table_row + 2 * i);
    if (row >= rows) return "table_row";
    const int16_t threshold = static_cast<int16_t>(Load16(thresholds + 2 * i));
    if (!HoldsQuotients(block_ + table + row * UNIT_TABLE_ROW, threshold)) return "table";
  }
  return nullptr;
}

const char *Metadata::CheckSchedule(const uint8_t *entry, uint8_t op) const {
  const uint8_t schedule = entry[kEntrySchedule];
  const uint32_t plan = Load32(entry + kEntryPlan);
  if (schedule >= kScheduleCount) return "schedule";
  if (static_cast<Schedule>(schedule) == Schedule::kActivationSorted && op == kFullyConnected) {
    return "schedule";
  }
  if (entry[kEntryReserved] != 0) return "entry.reserved";
  if (static_cast<Schedule>(schedule) != Schedule::kPlanned) return plan == 0 ? nullptr : "plan";
  return Fits(plan, 1, kPlanSize, 4) ? CheckPlan(block_ + plan) : "plan";
}

// The record. PlanFits() checks the contents, for which it takes the layer.
const char *Metadata::CheckPlan(const uint8_t *plan) const {
  const uint32_t entries = Load32(plan + kPlanEntries);
  const uint32_t firsts = Load32(plan + kPlanFirsts);
  const uint32_t classes = Load16(plan + kPlanClasses);
  const uint32_t outputs = Load16(plan + kPlanOutputs);
  const uint32_t critical = Load32(plan + kPlanCritical);
  const uint32_t first = Load32(plan + kPlanFirst);
  if (classes < 1 || classes > UNIT_PLAN_CLASSES) return "plan.classes";
  if (Load16(plan + kPlanTaps) > INT16_MAX) return "plan.taps";
  if (outputs < 1 || outputs > UNIT_PLAN_WINDOW) return "plan.outputs";
  if (!AllZero(plan + kPlanReserved, 2)) return "plan.reserved";
  if (!Fits(Load32(plan + kPlanWeight), entries, 1, 1)) return "plan.weight";
  if (!Fits(Load32(plan + kPlanAt), entries, 1, 1)) return "plan.at";
  if (critical != 0 && !Fits(critical, entries, 1, 1)) return "plan.critical";
  if (!Fits(Load32(plan + kPlanCount), Load32(plan + kPlanLists), classes, 1)) return "plan.count";
  if ((first == 0) != (firsts == 0)) return "plan.firsts";
  if (first != 0 && !Fits(first, firsts, 4, 4)) return "plan.first";
  return Fits(Load32(plan + kPlanClassOf), 256, 1, 1) ? nullptr : "plan.class_of";
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
