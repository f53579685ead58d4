#include "tflm/metadata.h"

#include "tflm/bytes.h"
#include "tflm/compat.h"
#include "tflm/metadata_format.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace format;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "TFLM_UNIT arrays are little-endian and read in place"
#endif

const uint8_t *Metadata::LayerAt(int layer) const {
  return block_ + Load32(block_ + kHeaderLayers) + static_cast<uint32_t>(layer) * kLayerSize;
}

const uint8_t *Metadata::PointAt(int point) const {
  return block_ + Load32(block_ + kHeaderPoints) + static_cast<uint32_t>(point) * kPointSize;
}

const uint8_t *Metadata::EntryAt(int layer, int point) const {
  return block_ + Load32(PointAt(point) + kPointEntries) +
         static_cast<uint32_t>(layer) * kEntrySize;
}

template <typename T>
const T *Metadata::Array(const uint8_t *offset_field) const {
  const uint32_t offset = Load32(offset_field);
  return offset == 0 ? nullptr : reinterpret_cast<const T *>(block_ + offset);
}

LayerRecord Metadata::layer(int layer) const {
  const uint8_t *p = LayerAt(layer);
  return {Load32(p + kLayerWeightsTensor), Load32(p + kLayerWeightsCrc),
          static_cast<int32_t>(Load32(p + kLayerOutputChannels)), p[kLayerOp],
          static_cast<int16_t>(Load16(p + kLayerCenter))};
}

int Metadata::FindLayer(uint32_t weights_tensor) const {
  int low = 0;
  int high = layer_count_;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    const uint32_t found = layer(middle).weights_tensor;
    if (found == weights_tensor) return middle;
    if (found < weights_tensor) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return -1;
}

const char *Metadata::point_name(int point) const {
  return reinterpret_cast<const char *>(PointAt(point) + kPointName);
}

float Metadata::point_accuracy(int point) const {
  return LoadFloat(PointAt(point) + kPointAccuracy);
}

float Metadata::point_skip_rate(int point) const {
  return LoadFloat(PointAt(point) + kPointSkipRate);
}

bool Metadata::Prune(int layer, int point, Pruning *pruning) const {
  const uint8_t *entry = EntryAt(layer, point);
  if (entry[kEntryPresent] == 0) return false;
  unit_prune_params *prune = &pruning->compare;
  prune->threshold = Array<int16_t>(entry + kEntryThresholds);
  prune->group_size = static_cast<int32_t>(Load32(entry + kEntryGroupSize));
  prune->compensation = Array<int32_t>(entry + kEntryCompensation);
  prune->divider = static_cast<unit_divider>(entry[kEntryDivider]);
  prune->tree = Array<uint8_t>(entry + kEntryTree);
  prune->table = Array<uint8_t>(entry + kEntryTable);
  prune->table_row = Array<uint16_t>(entry + kEntryTableRow);
  pruning->fatrelu_min = static_cast<int16_t>(Load16(entry + kEntryFatreluMin));
  pruning->schedule = static_cast<Schedule>(entry[kEntrySchedule]);
  if (pruning->schedule == Schedule::kPlanned) {
    ReadPlan(block_ + Load32(entry + kEntryPlan), &pruning->planned);
    pruning->planned.plan.compensation = prune->compensation;
  }
  return true;
}

void Metadata::ReadPlan(const uint8_t *plan, StoredPlan *stored) const {
  stored->plan = {Array<int8_t>(plan + kPlanWeight),
                  Array<uint8_t>(plan + kPlanAt),
                  Array<uint8_t>(plan + kPlanCritical),
                  Array<uint8_t>(plan + kPlanCount),
                  Array<uint32_t>(plan + kPlanFirst),
                  Array<uint8_t>(plan + kPlanClassOf),
                  nullptr,
                  nullptr,
                  static_cast<int16_t>(Load16(plan + kPlanClasses)),
                  static_cast<int16_t>(Load16(plan + kPlanTaps)),
                  static_cast<int16_t>(Load16(plan + kPlanOutputs))};
  stored->entries = Load32(plan + kPlanEntries);
  stored->lists = Load32(plan + kPlanLists);
  stored->firsts = Load32(plan + kPlanFirsts);
  stored->layer_crc = Load32(plan + kPlanLayerCrc);
}

bool Metadata::IsPruned(int layer) const {
  for (int point = 0; point < point_count_; ++point) {
    if (EntryAt(layer, point)[kEntryPresent] != 0) return true;
  }
  return false;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
