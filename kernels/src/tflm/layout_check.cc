// Compares wheel_api.h with TFLM's headers. Compiled by hand where those are at hand, with
// -DTFLM_UNIT_LAYOUT_CHECK -DTF_LITE_STATIC_MEMORY; see docs/tflm.md.
#if defined(TFLM_UNIT_LAYOUT_CHECK)

#include <stddef.h>

#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_common.h"

// Declared again by wheel_api.h, in the other namespace.
#include "tflm/wheel_api.h"

namespace wheel = tflite::micro;

#define SAME_SIZE(type) static_assert(sizeof(::type) == sizeof(wheel::type), #type)
#define SAME_OFFSET(type, field) \
  static_assert(offsetof(::type, field) == offsetof(wheel::type, field), #type "." #field)
#define SAME_VALUE(name) static_assert(int(::name) == int(wheel::name), #name)

SAME_SIZE(TfLiteTensor);
SAME_OFFSET(TfLiteTensor, quantization);
SAME_OFFSET(TfLiteTensor, params);
SAME_OFFSET(TfLiteTensor, data);
SAME_OFFSET(TfLiteTensor, dims);
SAME_OFFSET(TfLiteTensor, bytes);
SAME_OFFSET(TfLiteTensor, type);
SAME_OFFSET(TfLiteTensor, allocation_type);
SAME_SIZE(TfLiteEvalTensor);
SAME_OFFSET(TfLiteEvalTensor, data);
SAME_OFFSET(TfLiteEvalTensor, dims);
SAME_SIZE(TfLiteNode);
SAME_OFFSET(TfLiteNode, inputs);
SAME_OFFSET(TfLiteNode, outputs);
SAME_OFFSET(TfLiteNode, user_data);
SAME_OFFSET(TfLiteNode, builtin_data);
SAME_SIZE(TfLiteAffineQuantization);
SAME_OFFSET(TfLiteAffineQuantization, scale);
SAME_OFFSET(TfLiteAffineQuantization, zero_point);
SAME_OFFSET(TfLiteAffineQuantization, quantized_dimension);
SAME_OFFSET(TfLiteConvParams, padding);
SAME_OFFSET(TfLiteConvParams, stride_width);
SAME_OFFSET(TfLiteConvParams, stride_height);
SAME_OFFSET(TfLiteConvParams, activation);
SAME_OFFSET(TfLiteConvParams, dilation_width_factor);
SAME_OFFSET(TfLiteConvParams, dilation_height_factor);
SAME_OFFSET(TfLiteDepthwiseConvParams, depth_multiplier);
SAME_OFFSET(TfLiteDepthwiseConvParams, activation);
SAME_OFFSET(TfLiteDepthwiseConvParams, dilation_width_factor);
SAME_OFFSET(TfLiteDepthwiseConvParams, dilation_height_factor);
SAME_OFFSET(TfLiteFullyConnectedParams, activation);
SAME_SIZE(TFLMRegistration);
SAME_OFFSET(TFLMRegistration, init);
SAME_OFFSET(TFLMRegistration, free);
SAME_OFFSET(TFLMRegistration, prepare);
SAME_OFFSET(TFLMRegistration, invoke);
SAME_OFFSET(TFLMRegistration, builtin_code);

SAME_VALUE(kTfLiteOk);
SAME_VALUE(kTfLiteError);
SAME_VALUE(kTfLiteInt8);
SAME_VALUE(kTfLiteInt32);
SAME_VALUE(kTfLiteMmapRo);
SAME_VALUE(kTfLiteAffineQuantization);
SAME_VALUE(kTfLitePaddingSame);
SAME_VALUE(kTfLitePaddingValid);

#endif  // TFLM_UNIT_LAYOUT_CHECK
