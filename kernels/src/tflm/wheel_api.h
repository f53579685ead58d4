/* What the overrides use of TFLM, declared as the tflite-micro wheel exports it. The wheel ships no
 * headers, and there is no TFLM source tree on a user's machine. Only compat.h includes this file.
 *
 * Since October 2026 the wheels have the standalone API: the C structs and the C++ API live in
 * tflite::micro, and structs have their reduced layout (TF_LITE_STATIC_MEMORY). layout_check.cc
 * compares these declarations with TFLM's headers. */
#ifndef TFLM_UNIT_TFLM_WHEEL_API_H_
#define TFLM_UNIT_TFLM_WHEEL_API_H_

#include <stddef.h>
#include <stdint.h>

void MicroPrintf(const char *format, ...);

namespace tflite {

enum BuiltinOperator : int32_t {
  BuiltinOperator_CONV_2D = 3,
  BuiltinOperator_DEPTHWISE_CONV_2D = 4,
  BuiltinOperator_FULLY_CONNECTED = 9
};

namespace micro {

struct TfLiteContext;

enum TfLiteStatus : int { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType : int { kTfLiteInt32 = 2, kTfLiteInt8 = 9 };
enum TfLiteAllocationType : int { kTfLiteMmapRo = 1 };
enum TfLiteQuantizationType : int { kTfLiteAffineQuantization = 1 };
enum TfLitePadding : int { kTfLitePaddingSame = 1, kTfLitePaddingValid = 2 };
enum TfLiteFusedActivation : int { kTfLiteActNone = 0 };

struct TfLiteIntArray {
  int size;
  int data[];
};

struct TfLiteFloatArray {
  int size;
  float data[];
};

union TfLitePtrUnion {
  int32_t *i32;
  int8_t *int8;
  void *data;
};

struct TfLiteQuantization {
  TfLiteQuantizationType type;
  void *params;
};

struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

struct TfLiteAffineQuantization {
  TfLiteFloatArray *scale;
  TfLiteIntArray *zero_point;
  int32_t quantized_dimension;
};

struct TfLiteTensor {
  TfLiteQuantization quantization;
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  TfLiteIntArray *dims;
  size_t bytes;
  TfLiteType type;
  TfLiteAllocationType allocation_type;
  bool is_variable;
};

struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray *dims;
  TfLiteType type;
};

struct TfLiteNode {
  TfLiteIntArray *inputs;
  TfLiteIntArray *outputs;
  TfLiteIntArray *intermediates;
  void *user_data;
  void *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
};

struct TfLiteConvParams {
  TfLitePadding padding;
  int stride_width;
  int stride_height;
  TfLiteFusedActivation activation;
  int dilation_width_factor;
  int dilation_height_factor;
};

struct TfLiteDepthwiseConvParams {
  TfLitePadding padding;
  int stride_width;
  int stride_height;
  int depth_multiplier;
  TfLiteFusedActivation activation;
  int dilation_width_factor;
  int dilation_height_factor;
};

struct TfLiteFullyConnectedParams {
  TfLiteFusedActivation activation;
};

struct TFLMRegistration {
  void *(*init)(TfLiteContext *context, const char *buffer, size_t length);
  void (*free)(TfLiteContext *context, void *buffer);
  TfLiteStatus (*prepare)(TfLiteContext *context, TfLiteNode *node);
  TfLiteStatus (*invoke)(TfLiteContext *context, TfLiteNode *node);
  void (*reset)(TfLiteContext *context, void *buffer);
  int32_t builtin_code;
  const char *custom_name;
};

// The virtual functions up to the last one that is called, in TFLM's order.
class MicroContext {
 public:
  virtual ~MicroContext() = default;
  virtual void *AllocatePersistentBuffer(size_t bytes) = 0;
  virtual TfLiteStatus RequestScratchBufferInArena(size_t bytes, int *buffer_idx) = 0;
  virtual void *GetScratchBuffer(int buffer_idx) = 0;
  virtual TfLiteTensor *AllocateTempTfLiteTensor(int tensor_idx) = 0;
  virtual void DeallocateTempTfLiteTensor(TfLiteTensor *tensor) = 0;

  TfLiteTensor *AllocateTempInputTensor(const TfLiteNode *node, int index);
  TfLiteTensor *AllocateTempOutputTensor(const TfLiteNode *node, int index);
};

// The context pointer is the only member of the standalone API's TfLiteContext.
inline MicroContext *GetMicroContext(const TfLiteContext *context) {
  return *reinterpret_cast<MicroContext *const *>(context);
}

class MicroOpResolver {
 public:
  virtual const TFLMRegistration *FindOp(BuiltinOperator op) const = 0;

 protected:
  ~MicroOpResolver() = default;
};

TFLMRegistration Register_CONV_2D();
TFLMRegistration Register_DEPTHWISE_CONV_2D();
TFLMRegistration Register_FULLY_CONNECTED();

const TfLiteEvalTensor *GetEvalInput(const TfLiteContext *context, const TfLiteNode *node,
                                     int index);
TfLiteEvalTensor *GetEvalOutput(const TfLiteContext *context, const TfLiteNode *node, int index);

void QuantizeMultiplier(double multiplier, int32_t *quantized, int *shift);
TfLiteStatus CalculateActivationRangeQuantized(TfLiteContext *context,
                                               TfLiteFusedActivation activation,
                                               TfLiteTensor *output, int32_t *act_min,
                                               int32_t *act_max);

}  // namespace micro
}  // namespace tflite

#endif  // TFLM_UNIT_TFLM_WHEEL_API_H_
