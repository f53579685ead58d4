/* The one place that knows which TFLM the overrides are built against: its headers on boards, with
 * TfLiteRegistration or TFLMRegistration, and on the host, where TFLM_UNIT_WHEEL is defined, the
 * interpreter of the tflite-micro wheel, which ships none. Namespace tflm_unit::tflm has what they
 * use of it. Where there is neither, as with generated code on small boards, TFLM_UNIT_HAVE_TFLM is
 * 0 and the overrides compile to nothing. */
#ifndef TFLM_UNIT_TFLM_COMPAT_H_
#define TFLM_UNIT_TFLM_COMPAT_H_

#if defined(TFLM_UNIT_WHEEL)
#define TFLM_UNIT_HAVE_TFLM 1
#define TFLM_UNIT_C_API tflite::micro
#define TFLM_UNIT_CC_API tflite::micro
#define TFLM_UNIT_THREAD_LOCAL thread_local
#include "tflm/wheel_api.h"
#elif defined(__has_include)
#if __has_include("tensorflow/lite/micro/micro_context.h")
#define TFLM_UNIT_HAVE_TFLM 1
#define TFLM_UNIT_C_API
#define TFLM_UNIT_CC_API tflite
#define TFLM_UNIT_THREAD_LOCAL
#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/depthwise_conv.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"
namespace tflite {
// Exported by every TFLM; its header is one of kernels/internal/, which are not for others.
void QuantizeMultiplier(double multiplier, int32_t *quantized, int *shift);
}  // namespace tflite
#endif
#endif

#if !defined(TFLM_UNIT_HAVE_TFLM)
#define TFLM_UNIT_HAVE_TFLM 0
#else

namespace tflm_unit {
namespace tflm {

using TFLM_UNIT_C_API::TfLiteAffineQuantization;
using TFLM_UNIT_C_API::TfLiteContext;
using TFLM_UNIT_C_API::TfLiteConvParams;
using TFLM_UNIT_C_API::TfLiteDepthwiseConvParams;
using TFLM_UNIT_C_API::TfLiteEvalTensor;
using TFLM_UNIT_C_API::TfLiteFullyConnectedParams;
using TFLM_UNIT_C_API::TfLiteFusedActivation;
using TFLM_UNIT_C_API::TfLiteIntArray;
using TFLM_UNIT_C_API::TfLiteNode;
using TFLM_UNIT_C_API::TfLitePadding;
using TFLM_UNIT_C_API::TfLiteStatus;
using TFLM_UNIT_C_API::TfLiteTensor;

using TFLM_UNIT_C_API::kTfLiteAffineQuantization;
using TFLM_UNIT_C_API::kTfLiteError;
using TFLM_UNIT_C_API::kTfLiteInt32;
using TFLM_UNIT_C_API::kTfLiteInt8;
using TFLM_UNIT_C_API::kTfLiteMmapRo;
using TFLM_UNIT_C_API::kTfLiteOk;
using TFLM_UNIT_C_API::kTfLitePaddingSame;
using TFLM_UNIT_C_API::kTfLitePaddingValid;

using tflite::micro::GetEvalInput;
using tflite::micro::GetEvalOutput;
using TFLM_UNIT_CC_API::CalculateActivationRangeQuantized;
using TFLM_UNIT_CC_API::GetMicroContext;
using TFLM_UNIT_CC_API::MicroContext;
using TFLM_UNIT_CC_API::QuantizeMultiplier;
using TFLM_UNIT_CC_API::Register_CONV_2D;
using TFLM_UNIT_CC_API::Register_DEPTHWISE_CONV_2D;
using TFLM_UNIT_CC_API::Register_FULLY_CONNECTED;

// TfLiteRegistration or TFLMRegistration.
typedef decltype(Register_FULLY_CONNECTED()) Registration;

}  // namespace tflm
}  // namespace tflm_unit

#endif  // TFLM_UNIT_HAVE_TFLM

#endif  // TFLM_UNIT_TFLM_COMPAT_H_
