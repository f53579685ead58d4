#include "layer.h"

#include <stdexcept>

namespace tflm_unit {

void Require(bool condition, const std::string &message) {
  if (!condition) throw std::invalid_argument(message);
}

void Operator::Run(const Call &call) const {
  if (function_(call) != UNIT_SUCCESS) throw std::logic_error("a core function refused a call");
}

}  // namespace tflm_unit
