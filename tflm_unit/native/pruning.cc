#include "pruning.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "layer.h"
#include "unit_functions.h"

namespace tflm_unit {

namespace {

constexpr int kMagnitudes = 256;  // |activation|: 0..255
using Magnitudes = std::array<int16_t, kMagnitudes>;

std::string Found(const char *field, std::size_t expected, std::size_t found) {
  return std::string(field) + ": " + std::to_string(expected) + " values expected, got " +
         std::to_string(found);
}

// Children come after their parents, so that a walk ends.
void ValidateTree(const std::vector<uint8_t> &tree) {
  Require(tree.size() == UNIT_TREE_SIZE, Found("tree", UNIT_TREE_SIZE, tree.size()));
  constexpr int kNodes = UNIT_TREE_SIZE / 3;
  for (int node = 0; node < kNodes; ++node) {
    const uint8_t *fields = &tree[static_cast<std::size_t>(3 * node)];
    Require(fields[0] >= 1 && fields[0] <= 7, "tree: a pivot exponent is not in 1..7");
    for (const uint8_t child : {fields[1], fields[2]}) {
      const bool leaf = child > UNIT_TREE_LEAF && child <= (UNIT_TREE_LEAF | 8);
      Require(leaf || (child > node && child < kNodes),
              "tree: a child is neither a leaf nor a later node");
    }
  }
}

void ValidateTable(const Pruning &pruning) {
  const std::size_t rows = pruning.table.size() / UNIT_TABLE_ROW;
  Require(rows >= 1 && pruning.table.size() % UNIT_TABLE_ROW == 0,
          "table: rows of 256 quotients expected");
  Require(pruning.table_row.size() == pruning.threshold.size(),
          Found("table_row", pruning.threshold.size(), pruning.table_row.size()));
  for (const uint16_t row : pruning.table_row) {
    Require(row < rows, "table_row: row " + std::to_string(row) + " of " + std::to_string(rows));
  }
}

// quotients[c] for one group; a control term of 0 always skips.
Magnitudes GroupQuotients(const Pruning &pruning, std::size_t group) {
  const uint8_t *row = pruning.divider == UNIT_DIVIDER_TABLE
                           ? &pruning.table[std::size_t{UNIT_TABLE_ROW} * pruning.table_row[group]]
                           : nullptr;
  Magnitudes quotients;
  quotients[0] = kMagnitudes - 1;
  for (int c = 1; c < kMagnitudes; ++c) {
    quotients[static_cast<std::size_t>(c)] =
        unit_divide(pruning.divider, pruning.threshold[group], static_cast<uint8_t>(c),
                    pruning.tree.data(), row);
  }
  return quotients;
}

// Cutoff by |weight| for one group.
Magnitudes GroupCutoffs(Op op, const Pruning &pruning, std::size_t group) {
  Magnitudes cutoffs;
  if (pruning.threshold[group] < 0) {
    cutoffs.fill(-1);
    return cutoffs;
  }
  const Magnitudes quotients = GroupQuotients(pruning, group);
  if (op != Op::kFullyConnected) return quotients;
  // Here the activation is the control term: the largest one whose quotient reaches |weight|.
  auto end = quotients.end();
  for (std::size_t w = 0; w < cutoffs.size(); ++w) {
    while (*(end - 1) < static_cast<int16_t>(w)) --end;
    cutoffs[w] = static_cast<int16_t>(end - quotients.begin() - 1);
  }
  return cutoffs;
}

}  // namespace

Pruning Pruning::Uniform(int16_t threshold, int32_t channels) {
  Pruning pruning;
  pruning.threshold = {threshold};
  pruning.group_size = channels;
  return pruning;
}

unit_prune_params Pruning::params() const {
  return {threshold.data(), group_size,  compensation.empty() ? nullptr : compensation.data(),
          divider,          tree.data(), table.data(),
          table_row.data()};
}

bool Pruning::skips() const {
  return std::any_of(threshold.begin(), threshold.end(),
                     [](int16_t t) { return t != UNIT_NEVER_SKIP; });
}

void Pruning::Validate(int32_t channels) const {
  Require(divider >= 0 && divider < UNIT_DIVIDER_COUNT,
          "divider: " + std::to_string(divider) + " is unknown");
  Require(
      group_size >= 1 && group_size <= channels,
      "group_size: " + std::to_string(group_size) + " is not in 1.." + std::to_string(channels));
  const auto groups = static_cast<std::size_t>((channels - 1) / group_size + 1);
  Require(threshold.size() == groups, Found("thresholds", groups, threshold.size()));
  for (const int16_t t : threshold) {
    Require(t >= UNIT_NEVER_SKIP && t <= UNIT_MAX_THRESHOLD,
            "thresholds: " + std::to_string(t) + " is not in -1..32385");
  }
  const auto outputs = static_cast<std::size_t>(channels);
  Require(compensation.empty() || compensation.size() == outputs,
          Found("compensation", outputs, compensation.size()));
  Require(fatrelu_min >= INT8_MIN && fatrelu_min <= INT8_MAX,
          "fatrelu_min: " + std::to_string(fatrelu_min) + " is not in -128..127");
  if (divider == UNIT_DIVIDER_BINARY_TREE) ValidateTree(tree);
  if (divider == UNIT_DIVIDER_TABLE) ValidateTable(*this);
}

std::vector<int16_t> Cutoffs(Op op, const std::vector<int8_t> &weights, int32_t channels,
                             const Pruning &pruning) {
  std::vector<Magnitudes> of_group;
  for (std::size_t g = 0; g < pruning.threshold.size(); ++g) {
    of_group.push_back(GroupCutoffs(op, pruning, g));
  }
  const auto outputs = static_cast<std::size_t>(channels);
  const auto group_size = static_cast<std::size_t>(pruning.group_size);
  const std::size_t per_channel = weights.size() / outputs;
  std::vector<int16_t> cutoffs(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t channel = op == Op::kDepthwiseConv ? i % outputs : i / per_channel;
    const auto magnitude = static_cast<std::size_t>(std::abs(int{weights[i]}));
    cutoffs[i] = of_group[channel / group_size][magnitude];
  }
  return cutoffs;
}

void Quotients(int16_t threshold, uint8_t *row) {
  row[0] = UINT8_MAX;
  for (int c = 1; c < UNIT_TABLE_ROW; ++c) {
    row[c] = unit_divide(UNIT_DIVIDER_EXACT, threshold, static_cast<uint8_t>(c), nullptr, nullptr);
  }
}

}  // namespace tflm_unit
