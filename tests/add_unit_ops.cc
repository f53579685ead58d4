// Instantiates tflm_unit::AddUnitOps with the part of MicroMutableOpResolver that it uses. It is
// only compiled, not run.
#include "tflm_unit.h"

namespace {

using tflm_unit::tflm::Registration;
using tflm_unit::tflm::TfLiteStatus;

class Resolver {
 public:
  TfLiteStatus AddConv2D(const Registration &registration) { return Add(registration); }
  TfLiteStatus AddDepthwiseConv2D(const Registration &registration) { return Add(registration); }
  TfLiteStatus AddFullyConnected(const Registration &registration) { return Add(registration); }

 private:
  TfLiteStatus Add(const Registration &registration) {
    const bool fits = count_ < 3;
    if (fits) registrations_[count_++] = registration;
    return fits ? tflm_unit::tflm::kTfLiteOk : tflm_unit::tflm::kTfLiteError;
  }

  Registration registrations_[3];
  int count_ = 0;
};

}  // namespace

bool SetUp(tflm_unit::Model *model) {
  Resolver resolver;
  return tflm_unit::AddUnitOps(resolver, model) == tflm_unit::tflm::kTfLiteOk;
}
