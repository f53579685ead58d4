#include "host_api.h"

#include <new>

#include "tflm/model.h"

using tflm_unit::Model;

Model *tflm_unit_model_create(const void *tflite, size_t size) {
  Model *model = new (std::nothrow) Model;
  if (model != nullptr) model->Init(tflite, size);
  return model;
}

void tflm_unit_model_destroy(Model *model) { delete model; }

void tflm_unit_model_activate(Model *model) { tflm_unit::Activate(model); }

void tflm_unit_model_forget_new_layers(Model *model) { model->ForgetNewLayers(); }

const char *tflm_unit_model_error(const Model *model) { return model->error(); }

int32_t tflm_unit_model_point_count(const Model *model) { return model->point_count(); }

const char *tflm_unit_model_point_name(const Model *model, int32_t point) {
  return model->point_name(point);
}

bool tflm_unit_model_set_point(Model *model, int32_t point) {
  return model->SetPoint(static_cast<int>(point));
}

int32_t tflm_unit_model_layer_count(const Model *model) { return model->layer_count(); }

uint32_t tflm_unit_model_weights_tensor(const Model *model, int32_t layer) {
  return model->layer_weights_tensor(layer);
}

bool tflm_unit_model_counters(const Model *model, int32_t layer, uint64_t macs[3]) {
  const unit_counters counters = model->counters(layer);
  macs[0] = counters.macs_total;
  macs[1] = counters.macs_zero;
  macs[2] = counters.macs_skipped;
  return model->layer_is_bound(layer);
}

void tflm_unit_model_reset_counters(Model *model) { model->ResetCounters(); }
