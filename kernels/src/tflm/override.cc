#include "tflm/override.h"

#include "tflm/crc32.h"
#include "tflm/model.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

// What stands in an operator's user_data.
struct OpState {
  void *stock_data;   // user_data of the stock kernel
  Model *model;       // active at init
  BoundLayer *bound;  // nullptr: always the stock kernel
};

// Gives the stock kernel its user_data for the duration of a call.
class StockUserData {
 public:
  explicit StockUserData(TfLiteNode *node) : node_(node), ours_(node->user_data) {
    node->user_data = static_cast<OpState *>(ours_)->stock_data;
  }
  ~StockUserData() { node_->user_data = ours_; }

 private:
  TfLiteNode *node_;
  void *ours_;
};

// Zeroed memory that lives as long as the interpreter; nullptr when the arena is full.
template <typename T>
T *NewPersistent(TfLiteContext *context) {
  T *object = static_cast<T *>(GetMicroContext(context)->AllocatePersistentBuffer(sizeof(T)));
  if (object != nullptr) *object = T();
  return object;
}

unit_counters *NewCounters(TfLiteContext *context) {
#if defined(UNIT_ENABLE_COUNTERS)
  return NewPersistent<unit_counters>(context);
#else
  (void)context;
  return nullptr;
#endif
}

// Thresholds belong to a layer only if these are the weights that the converter saw: the tensor of
// the model's own file, with the same contents.
const char *CheckWeights(const Model &model, const LayerRecord &layer, const TfLiteTensor &filter) {
  Bytes weights;
  if (filter.type != kTfLiteInt8) return "weights are not int8";
  if (filter.allocation_type != kTfLiteMmapRo) return "weights are not constant";
  if (!FindTensorData(model.tflite(), layer.weights_tensor, &weights) ||
      weights.data != static_cast<const uint8_t *>(filter.data.data)) {
    return "the interpreter runs another model than Init() was given";
  }
  if (weights.size != filter.bytes) return "weights are compressed";
  if (Crc32(weights.data, weights.size) != layer.weights_crc32) return "weights have changed";
  return nullptr;
}

bool IsInFile(const Bytes &file, const void *data) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(file.data);
  return reinterpret_cast<uintptr_t>(data) - first < file.size;
}

// Reads what the tensors of the node say; they are given back at its end, before anything is
// allocated.
const char *Inspect(const OpKind &kind, TfLiteContext *context, const TfLiteNode &node,
                    const Model &model, BoundLayer *layer, Scales *scales) {
  const LayerRecord record = model.metadata().layer(layer->index);
  if (record.op != kind.op) return "thresholds are for another operator";
  const NodeTensors tensors(context, &node);
  if (!tensors.complete()) return "unusual inputs";
  const char *reason = CheckWeights(model, record, *tensors.filter());
  if (reason != nullptr) return reason;
  reason = kind.setup(context, node.builtin_data, tensors, layer, scales);
  if (reason != nullptr) return reason;
  if (layer->output.c != record.output_channels) return "thresholds are for other channels";
  if (record.center != 0) {
    reason = kind.center(record.center, layer);
    if (reason != nullptr) return reason;
  }
  if (!IsInFile(model.tflite(), scales->weights)) return "scales are not in the file";
  return nullptr;
}

// What the layer does at a point; false: it runs dense there.
bool PruningAt(const BoundLayer &layer, const Metadata &metadata, int point, Pruning *pruning) {
  if (!metadata.Prune(layer.index, point, pruning)) return false;
  if (layer.only_compare) pruning->schedule = Schedule::kCompare;
  return true;
}

bool SchedulesFit(const OpKind &kind, const Metadata &metadata, const BoundLayer &layer) {
  const PlanGeometry geometry = kind.geometry(layer);
  for (int point = 0; point < metadata.point_count(); ++point) {
    Pruning pruning;
    if (!metadata.Prune(layer.index, point, &pruning)) continue;
    const bool is_planned = pruning.schedule == Schedule::kPlanned;
    if (is_planned && !PlanFits(pruning.planned, geometry)) return false;
    if (kind.scratch_size(layer, pruning) < 0) return false;
  }
  return true;
}

// The largest over the points, so that they can be switched.
int32_t ScratchSize(const OpKind &kind, const Metadata &metadata, const BoundLayer &layer) {
  int32_t largest = 0;
  for (int point = 0; point < metadata.point_count(); ++point) {
    Pruning pruning;
    if (!PruningAt(layer, metadata, point, &pruning)) continue;
    const int32_t size = kind.scratch_size(layer, pruning);
    if (size > largest) largest = size;
  }
  return largest;
}

const char *Bind(const OpKind &kind, TfLiteContext *context, const TfLiteNode &node,
                 const Model &model, int index, BoundLayer **result) {
  BoundLayer layer = BoundLayer();
  Scales scales;
  layer.index = index;
  const char *reason = Inspect(kind, context, node, model, &layer, &scales);
  if (reason != nullptr) return reason;
  layer.only_compare = !SchedulesFit(kind, model.metadata(), layer);
  layer.scratch_size = ScratchSize(kind, model.metadata(), layer);
  BoundLayer *persistent = NewPersistent<BoundLayer>(context);
  if (persistent == nullptr) return "no memory";
  reason = PrepareRequantization(context, scales, &layer.quant);
  if (reason != nullptr) return reason;
  layer.counters = NewCounters(context);
  if (layer.scratch_size > 0 &&
      GetMicroContext(context)->RequestScratchBufferInArena(static_cast<size_t>(layer.scratch_size),
                                                            &layer.scratch) != kTfLiteOk) {
    return "no memory";
  }
  *persistent = layer;
  *result = persistent;
  return nullptr;
}

}  // namespace

void *InitOp(const OpKind &kind, TfLiteContext *context, const char *buffer, size_t length) {
  OpState *state = NewPersistent<OpState>(context);
  if (state == nullptr) return nullptr;
  state->model = ActiveModel();
  const Registration stock = kind.stock();
  if (stock.init != nullptr) state->stock_data = stock.init(context, buffer, length);
  return state;
}

void FreeOp(const OpKind &kind, TfLiteContext *context, void *user_data) {
  if (user_data == nullptr) return;
  OpState *state = static_cast<OpState *>(user_data);
  if (state->bound != nullptr && state->bound->model != nullptr) {
    state->bound->model->Detach(state->bound);
  }
  const Registration stock = kind.stock();
  if (stock.free != nullptr) stock.free(context, state->stock_data);
}

TfLiteStatus PrepareOp(const OpKind &kind, TfLiteContext *context, TfLiteNode *node) {
  OpState *state = static_cast<OpState *>(node->user_data);
  if (state == nullptr) return kTfLiteError;  // the arena was too small for it
  const Registration stock = kind.stock();
  if (stock.prepare != nullptr) {
    StockUserData swap(node);
    const TfLiteStatus status = stock.prepare(context, node);
    if (status != kTfLiteOk) return status;
  }
  Model *model = state->model;
  if (model == nullptr || node->inputs->size < 2) return kTfLiteOk;
  const int weights_tensor = node->inputs->data[kFilterInput];
  const int index = model->metadata().FindLayer(static_cast<uint32_t>(weights_tensor));
  if (index < 0 || !model->metadata().IsPruned(index)) return kTfLiteOk;
  const char *reason = Bind(kind, context, *node, *model, index, &state->bound);
  if (reason == nullptr) {
    model->Attach(state->bound);
    if (state->bound->only_compare) {
      MicroPrintf(
          "tflm_unit: the layer with weight tensor %d runs compare: its schedule does not fit",
          weights_tensor);
    }
  } else {
    MicroPrintf("tflm_unit: the layer with weight tensor %d runs dense: %s", weights_tensor,
                reason);
  }
  return kTfLiteOk;
}

TfLiteStatus InvokeOp(const OpKind &kind, TfLiteContext *context, TfLiteNode *node) {
  const BoundLayer *layer = static_cast<const OpState *>(node->user_data)->bound;
  const Model *model = layer == nullptr ? nullptr : layer->model;
  Pruning pruning;
  if (model == nullptr || !PruningAt(*layer, model->metadata(), model->point(), &pruning)) {
    StockUserData swap(node);
    return kind.stock().invoke(context, node);
  }
  unit_context scratch = {nullptr, layer->scratch_size, layer->counters};
  if (scratch.size > 0) scratch.buf = GetMicroContext(context)->GetScratchBuffer(layer->scratch);
  const TfLiteEvalTensor *bias = GetEvalInput(context, node, kBiasInput);
  const OpData data = {GetEvalInput(context, node, kActivationInput)->data.int8,
                       GetEvalInput(context, node, kFilterInput)->data.int8,
                       bias == nullptr ? nullptr : bias->data.i32,
                       GetEvalOutput(context, node, 0)->data.int8};
  pruning.planned.plan.filter = data.filter;
  const unit_status status = kind.run(*layer, scratch, pruning, data);
  if (status == UNIT_SUCCESS) return kTfLiteOk;
  MicroPrintf("tflm_unit: kernel of operator %d failed with %d", kind.op, status);
  return kTfLiteError;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
