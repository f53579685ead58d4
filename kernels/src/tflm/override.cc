#include "tflm/override.h"

#include "tflm/crc32.h"
#include "tflm/model.h"

#if TFLM_UNIT_HAVE_TFLM

namespace tflm_unit {

using namespace tflm;

namespace {

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

unit_counters *NewCounters(TfLiteContext *context) {
#if defined(UNIT_ENABLE_COUNTERS)
  void *memory = GetMicroContext(context)->AllocatePersistentBuffer(sizeof(unit_counters));
  unit_counters *counters = static_cast<unit_counters *>(memory);
  if (counters != nullptr) *counters = {0, 0, 0, nullptr};
  return counters;
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

const char *Bind(const OpKind &kind, TfLiteContext *context, TfLiteNode *node, const Model &model,
                 int layer_index, OpState *state) {
  const LayerRecord layer = model.metadata().layer(layer_index);
  if (layer.op != kind.op) return "thresholds are for another operator";
  const NodeTensors tensors(context, node);
  if (!tensors.complete()) return "unusual inputs";
  const char *reason = CheckWeights(model, layer, *tensors.filter());
  if (reason == nullptr) reason = kind.setup(context, node->builtin_data, tensors, state);
  if (reason != nullptr) return reason;
  if (state->output.c != layer.output_channels) return "thresholds are for other channels";
  state->counters = NewCounters(context);
  if (state->scratch_size > 0 &&
      GetMicroContext(context)->RequestScratchBufferInArena(
          static_cast<size_t>(state->scratch_size), &state->scratch) != kTfLiteOk) {
    return "no memory";
  }
  return nullptr;
}

}  // namespace

void *InitOp(const OpKind &kind, TfLiteContext *context, const char *buffer, size_t length) {
  void *memory = GetMicroContext(context)->AllocatePersistentBuffer(sizeof(OpState));
  if (memory == nullptr) return nullptr;
  OpState *state = static_cast<OpState *>(memory);
  *state = OpState();
  state->model = ActiveModel();
  state->layer = -1;
  const Registration stock = kind.stock();
  if (stock.init != nullptr) state->stock_data = stock.init(context, buffer, length);
  return state;
}

void FreeOp(const OpKind &kind, TfLiteContext *context, void *user_data) {
  if (user_data == nullptr) return;
  OpState *state = static_cast<OpState *>(user_data);
  if (state->model != nullptr) state->model->Detach(state);
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
  state->model = nullptr;
  if (model == nullptr || node->inputs->size < 2) return kTfLiteOk;
  const int weights_tensor = node->inputs->data[1];
  const int layer = model->metadata().FindLayer(static_cast<uint32_t>(weights_tensor));
  if (layer < 0 || !model->metadata().IsPruned(layer)) return kTfLiteOk;
  const char *reason = Bind(kind, context, node, *model, layer, state);
  if (reason != nullptr) {
    MicroPrintf("tflm_unit: the layer with weight tensor %d runs dense: %s", weights_tensor,
                reason);
    return kTfLiteOk;
  }
  state->model = model;
  state->layer = layer;
  model->Attach(state);
  return kTfLiteOk;
}

TfLiteStatus InvokeOp(const OpKind &kind, TfLiteContext *context, TfLiteNode *node) {
  const OpState *state = static_cast<const OpState *>(node->user_data);
  unit_prune_params prune;
  int32_t fatrelu_min;
  if (state->model == nullptr ||
      !state->model->metadata().Prune(state->layer, state->model->point(), &prune, &fatrelu_min)) {
    StockUserData swap(node);
    return kind.stock().invoke(context, node);
  }
  unit_context scratch = {nullptr, state->scratch_size, state->counters};
  if (scratch.size > 0) scratch.buf = GetMicroContext(context)->GetScratchBuffer(state->scratch);
  const TfLiteEvalTensor *bias = GetEvalInput(context, node, kBiasInput);
  const OpData data = {GetEvalInput(context, node, kActivationInput)->data.int8,
                       GetEvalInput(context, node, kFilterInput)->data.int8,
                       bias == nullptr ? nullptr : bias->data.i32,
                       GetEvalOutput(context, node, 0)->data.int8};
  const unit_status status = kind.run(*state, scratch, prune, fatrelu_min, data);
  if (status == UNIT_SUCCESS) return kTfLiteOk;
  MicroPrintf("tflm_unit: kernel of operator %d failed with %d", kind.op, status);
  return kTfLiteError;
}

}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM
