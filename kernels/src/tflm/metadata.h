/* Reader of the TFLM_UNIT block, docs/metadata.md. The block stays where it is, usually in flash:
 * nothing is copied or allocated, and what the accessors return points into it. */
#ifndef TFLM_UNIT_TFLM_METADATA_H_
#define TFLM_UNIT_TFLM_METADATA_H_

#include <stddef.h>
#include <stdint.h>

#include "core/unit_types.h"
#include "tflm/plan_check.h"

namespace tflm_unit {

struct LayerRecord {
  uint32_t weights_tensor;  // index in subgraph 0
  uint32_t weights_crc32;
  int32_t output_channels;
  uint8_t op;      // BuiltinOperator
  int32_t center;  // distance from the input's zero point, -255..255
};

/* How a kernel skips. The values are part of the format. */
enum class Schedule : uint8_t { kCompare = 0, kPlanned = 1, kActivationSorted = 2 };

const int kScheduleCount = 3;

/* A layer at an operating point. Whatever the schedule, `compare` computes the same. */
struct Pruning {
  Schedule schedule;
  int32_t fatrelu_min;
  unit_prune_params compare;  // also for activation_sorted
  StoredPlan planned;         // only for planned
};

class Metadata {
 public:
  // Checks the whole block. Returns nullptr when it is valid, and else the name of the field at
  // fault; then, and before any call, there are no layers and no points. The block must outlive
  // this object.
  const char *Parse(const uint8_t *block, size_t size);

  int layer_count() const { return layer_count_; }
  int point_count() const { return point_count_; }

  // Indices must be below the counts. All of these take constant time, FindLayer logarithmic.
  LayerRecord layer(int layer) const;
  int FindLayer(uint32_t weights_tensor) const;  // -1: none
  const char *point_name(int point) const;
  float point_accuracy(int point) const;   // NaN: not measured
  float point_skip_rate(int point) const;  // NaN: not measured

  // False when the layer runs dense at the point. Nobody has checked the contents of a plan yet,
  // see PlanFits().
  bool Prune(int layer, int point, Pruning *pruning) const;

  // Whether any point prunes the layer.
  bool IsPruned(int layer) const;

 private:
  const char *CheckHeader(size_t available);
  const char *CheckLayers() const;
  const char *CheckPoint(int point) const;
  const char *CheckEntry(const uint8_t *entry, const LayerRecord &record) const;
  const char *CheckSchedule(const uint8_t *entry, uint8_t op) const;
  const char *CheckPlan(const uint8_t *plan) const;
  const char *CheckThresholds(const uint8_t *entry, uint32_t groups) const;
  const char *CheckTree(const uint8_t *entry) const;
  const char *CheckTable(const uint8_t *entry, uint32_t groups) const;
  bool Fits(uint32_t offset, uint32_t count, uint32_t element_size, uint32_t alignment) const;

  const uint8_t *LayerAt(int layer) const;
  const uint8_t *PointAt(int point) const;
  const uint8_t *EntryAt(int layer, int point) const;
  void ReadPlan(const uint8_t *plan, StoredPlan *stored) const;

  // Type of an array whose offset and contents Parse has checked; offset 0 is nullptr.
  template <typename T>
  const T *Array(const uint8_t *offset_field) const;

  const uint8_t *block_ = nullptr;
  uint32_t size_ = 0;
  int layer_count_ = 0;
  int point_count_ = 0;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_METADATA_H_
