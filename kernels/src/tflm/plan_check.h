/* Plans come from a file, and the planned kernels trust them. */
#ifndef TFLM_UNIT_TFLM_PLAN_CHECK_H_
#define TFLM_UNIT_TFLM_PLAN_CHECK_H_

#include "core/unit_types.h"

namespace tflm_unit {

/* A plan with the sizes of its arrays. */
struct StoredPlan {
  unit_plan plan;      // compensation and filter are not part of it
  uint32_t entries;    // in weight, at and critical
  uint32_t lists;      // rows of count
  uint32_t firsts;     // in first
  uint32_t layer_crc;  // of the PlanGeometry that the plan was made for
};

/* What a plan depends on beside weights and thresholds. The converter computes a checksum of these
 * numbers, too; see docs/metadata.md. */
struct PlanGeometry {
  int32_t op;  // BuiltinOperator; FULLY_CONNECTED is one group with a filter of 1 x 1
  int32_t groups;
  int32_t outputs;  // per group
  int32_t inputs;   // per group
  unit_tile filter;
  unit_tile stride;
  unit_tile dilation;
  int32_t zero_point;  // of the input
};

PlanGeometry GeometryOf(const unit_conv_params &params, const unit_dims &input,
                        const unit_dims &filter);
PlanGeometry GeometryOf(const unit_dw_conv_params &params, const unit_dims &input,
                        const unit_dims &filter);
PlanGeometry GeometryOf(const unit_fc_params &params, const unit_dims &filter);

/* Whether the plan has exactly the lists of such a layer, and each entry of a list is for a tap and
 * an output of its own. Then the kernels stay inside the plan's arrays and inside the accumulators
 * that they reserve. Takes time in proportion to the plan, and no memory. */
bool PlanFits(const StoredPlan &stored, const PlanGeometry &geometry);

}  // namespace tflm_unit

#endif  // TFLM_UNIT_TFLM_PLAN_CHECK_H_
