/* Where the fields of a TFLM_UNIT block lie, version 2; see docs/metadata.md. */
#ifndef TFLM_UNIT_TFLM_METADATA_FORMAT_H_
#define TFLM_UNIT_TFLM_METADATA_FORMAT_H_

namespace tflm_unit {
namespace format {

enum { kVersion = 2 };

enum Header {
  kHeaderVersion = 4,
  kHeaderHeaderSize = 6,
  kHeaderBlockSize = 8,
  kHeaderCrc = 12,
  kHeaderChecked = 16,  // the first byte that the checksum covers
  kHeaderLayerCount = 16,
  kHeaderPointCount = 18,
  kHeaderLayers = 20,
  kHeaderPoints = 24,
  kHeaderReserved = 28,
  kHeaderSize = 32
};

enum Layer {
  kLayerWeightsTensor = 0,
  kLayerWeightsCrc = 4,
  kLayerOutputChannels = 8,
  kLayerOp = 12,
  kLayerReserved = 13,
  kLayerCenter = 14,
  kLayerSize = 16
};

enum Point {
  kPointName = 0,
  kPointNameSize = 16,
  kPointAccuracy = 16,
  kPointSkipRate = 20,
  kPointEntries = 24,
  kPointReserved = 28,
  kPointSize = 32
};

enum Entry {
  kEntryPresent = 0,
  kEntryDivider = 1,
  kEntryFatreluMin = 2,
  kEntryGroupSize = 4,
  kEntryThresholds = 8,
  kEntryCompensation = 12,
  kEntryTree = 16,
  kEntryTable = 20,
  kEntryTableRow = 24,
  kEntryTableRows = 28,
  kEntrySchedule = 32,
  kEntryReserved = 33,
  kEntryPlan = 36,  // at 34: taps, which only the converter needs
  kEntrySize = 40
};

enum Plan {
  kPlanWeight = 0,
  kPlanAt = 4,
  kPlanCritical = 8,
  kPlanCount = 12,
  kPlanFirst = 16,
  kPlanClassOf = 20,
  kPlanEntries = 24,
  kPlanLists = 28,
  kPlanFirsts = 32,
  kPlanClasses = 36,
  kPlanTaps = 38,
  kPlanOutputs = 40,
  kPlanReserved = 42,
  kPlanLayerCrc = 44,
  kPlanSize = 48
};

}  // namespace format
}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_METADATA_FORMAT_H_
