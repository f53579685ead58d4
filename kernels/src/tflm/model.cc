#include "tflm/model.h"

#include <string.h>

#include "tflm/bound_layer.h"
#include "tflm/compat.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {
namespace {

TFLM_UNIT_THREAD_LOCAL Model *active_model = nullptr;

}  // namespace

void Activate(Model *model) {
  active_model = model;
  if (model != nullptr) model->OnActivate();
}

Model *ActiveModel() { return active_model; }

Model::~Model() {
  while (bound_ != nullptr) Detach(bound_);
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
  for (const BoundLayer *bound = bound_; bound != nullptr; bound = bound->next) {
    if (bound->index == layer) return true;
  }
  return false;
}

unit_counters Model::counters(int layer) const {
  unit_counters sum = {0, 0, 0, nullptr};
  for (const BoundLayer *bound = bound_; bound != nullptr; bound = bound->next) {
    if (bound->index != layer || bound->counters == nullptr) continue;
    sum.macs_total += bound->counters->macs_total;
    sum.macs_zero += bound->counters->macs_zero;
    sum.macs_skipped += bound->counters->macs_skipped;
  }
  return sum;
}

void Model::ResetCounters() {
  for (BoundLayer *bound = bound_; bound != nullptr; bound = bound->next) {
    if (bound->counters != nullptr) *bound->counters = {0, 0, 0, nullptr};
  }
}

void Model::ForgetNewLayers() { bound_ = older_; }

void Model::Attach(BoundLayer *layer) {
  layer->model = this;
  layer->next = bound_;
  bound_ = layer;
}

void Model::Detach(BoundLayer *layer) {
  if (older_ == layer) older_ = layer->next;
  for (BoundLayer **link = &bound_; *link != nullptr; link = &(*link)->next) {
    if (*link != layer) continue;
    *link = layer->next;
    layer->model = nullptr;
    return;
  }
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
