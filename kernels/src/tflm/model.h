/* A .tflite model with its UnIT thresholds, as a sketch sees it. */
#ifndef TFLM_UNIT_TFLM_MODEL_H_
#define TFLM_UNIT_TFLM_MODEL_H_

#include <stddef.h>
#include <stdint.h>

#include "core/unit_types.h"
#include "tflm/flatbuffer.h"
#include "tflm/metadata.h"

namespace tflm_unit {

struct BoundLayer;

enum class InitStatus {
  kOk,          // the model carries thresholds
  kNoMetadata,  // it carries none: everything runs dense
  kMalformed    // its TFLM_UNIT block was refused, see error(): everything runs dense
};

/* Used from one thread at a time, the one that runs the interpreter. Neither allocates nor copies:
 * the .tflite bytes must stay where they are as long as the model and its interpreters are used.
 * The model and the interpreters may be destroyed in any order; without its model an interpreter
 * runs dense. */
class Model {
 public:
  Model() = default;
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  /* Reads the thresholds of the `size` bytes at `tflite`, the same bytes that the interpreter is
   * built on. Logs one line when they are refused. Call it once, before AllocateTensors(). */
  InitStatus Init(const void *tflite, size_t size);

  /* Name of the metadata field at fault, nullptr unless Init() returned kMalformed. */
  const char *error() const { return error_; }

  /* Operating points; 0 of them when the model runs dense. Point 0 is the default. */
  int point_count() const { return metadata_.point_count(); }
  const char *point_name(int point) const { return metadata_.point_name(point); }
  float point_accuracy(int point) const { return metadata_.point_accuracy(point); }
  float point_skip_rate(int point) const { return metadata_.point_skip_rate(point); }
  int point() const { return point_; }

  /* Takes effect at the next Invoke(). Returns false, and changes nothing, when there is no such
   * point. */
  bool SetPoint(int point);
  bool SetPoint(const char *name);

  /* Layers with thresholds at some point, in the order of their weight tensors. */
  int layer_count() const { return metadata_.layer_count(); }
  uint32_t layer_weights_tensor(int layer) const { return metadata_.layer(layer).weights_tensor; }

  /* Whether an operator of an interpreter runs with this layer's thresholds: false before
   * AllocateTensors(), and for a layer that had to stay dense, which was logged with its reason. */
  bool layer_is_bound(int layer) const;

  /* What the layer did at points that prune it, since the last ResetCounters(); skipped_sum is
   * nullptr. All zero unless compiled with UNIT_ENABLE_COUNTERS. */
  unit_counters counters(int layer) const;
  void ResetCounters();

  /* Forgets the layers that were bound since this model was activated, without touching their
   * memory. For an AllocateTensors() that failed, when the arena is reused or freed although its
   * interpreter was not destroyed; that interpreter must be neither used nor destroyed. */
  void ForgetNewLayers();

  /* ---- For the overrides. */
  const Metadata &metadata() const { return metadata_; }
  const Bytes &tflite() const { return tflite_; }
  void Attach(BoundLayer *layer);
  void Detach(BoundLayer *layer);
  void OnActivate() { older_ = bound_; }

 private:
  Bytes tflite_ = {nullptr, 0};
  Metadata metadata_;
  const char *error_ = nullptr;
  int point_ = 0;
  BoundLayer *bound_ = nullptr;  // the latest first
  BoundLayer *older_ = nullptr;  // the rest of that list, from before Activate()
};

/* The model that operators are bound to when an interpreter allocates its tensors; nullptr: none.
 * On the host, where several threads may do so, each thread has its own. */
void Activate(Model *model);
Model *ActiveModel();

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_MODEL_H_
