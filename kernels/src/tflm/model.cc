#include "tflm/model.h"

#include <string.h>

#include "tflm/compat.h"
#include "tflm/op_state.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {
namespace {

TFLM_UNIT_THREAD_LOCAL Model *active_model = nullptr;

}  // namespace

void Activate(Model *model) { active_model = model; }

Model *ActiveModel() { return active_model; }

Model::~Model() {
  while (ops_ != nullptr) Detach(ops_);
  if (active_model == this) active_model = nullptr;
}

InitStatus Model::Init(const void *tflite, size_t size) {
  tflite_ = {static_cast<const uint8_t *>(tflite), size};
  Bytes block;
  if (!FindMetadata(tflite_, "TFLM_UNIT", &block)) return InitStatus::kNoMetadata;
  error_ = metadata_.Parse(block.data, block.size);
  if (error_ == nullptr) return InitStatus::kOk;
  MicroPrintf("tflm_unit: TFLM_UNIT metadata refused (%s), the model runs dense", error_);
  return InitStatus::kMalformed;
}

bool Model::SetPoint(int point) {
  if (point < 0 || point >= point_count()) return false;
  point_ = point;
  return true;
}

bool Model::SetPoint(const char *name) {
  for (int point = 0; point < point_count(); ++point) {
    if (strcmp(name, point_name(point)) == 0) return SetPoint(point);
  }
  return false;
}

bool Model::layer_is_bound(int layer) const {
  for (const OpState *op = ops_; op != nullptr; op = op->next) {
    if (op->layer == layer) return true;
  }
  return false;
}

unit_counters Model::counters(int layer) const {
  unit_counters sum = {0, 0, 0, nullptr};
  for (const OpState *op = ops_; op != nullptr; op = op->next) {
    if (op->layer != layer || op->counters == nullptr) continue;
    sum.macs_total += op->counters->macs_total;
    sum.macs_zero += op->counters->macs_zero;
    sum.macs_skipped += op->counters->macs_skipped;
  }
  return sum;
}

void Model::ResetCounters() {
  for (OpState *op = ops_; op != nullptr; op = op->next) {
    if (op->counters != nullptr) *op->counters = {0, 0, 0, nullptr};
  }
}

void Model::Attach(OpState *op) {
  op->next = ops_;
  ops_ = op;
}

void Model::Detach(OpState *op) {
  for (OpState **link = &ops_; *link != nullptr; link = &(*link)->next) {
    if (*link != op) continue;
    *link = op->next;
    op->layer = -1;
    op->model = nullptr;
    return;
  }
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
