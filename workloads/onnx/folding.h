// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/onnx/raw_model.h"
#include "workloads/onnx/shape_rules.h"

namespace etude::onnxio {

/// A node of constants.
struct FoldNode {
  const RawNode& node;
  std::vector<const RawTensor*> inputs;  ///< nullptr for one that is left out
  std::int64_t opset;

  bool has(std::size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  /// Throws Refusal when it is left out.
  const RawTensor& input(std::size_t i) const;
  /// An input of INT64 or INT32. Throws Refusal for another type.
  const std::vector<std::int64_t>& integers(std::size_t i) const;
  /// Attribute `key`, or where the node has that input, its integers.
  std::optional<Integers> list(const std::string& key, std::size_t i) const;
};

/// The results of a node, in the order of its outputs. Throws Refusal.
using Fold = std::vector<RawTensor> (*)(const FoldNode& node);

/// How an operator of the standard domain is computed on constants as ONNX defines it, each type
/// by its own arithmetic; nullptr: it is not.
Fold fold_of(const std::string& op);
Fold movement_fold_of(const std::string& op);
Fold elementwise_fold_of(const std::string& op);
Fold reduction_fold_of(const std::string& op);

/// A constant of INT64.
RawTensor integer_tensor(Shape shape, std::vector<std::int64_t> values);
/// An empty tensor of `shape` and the type of `like`, with room for its elements. Throws Refusal
/// for more than kMostFolded elements.
RawTensor folded_tensor(const Integers& shape, int type);
Integers extents_of(const RawTensor& tensor);

/// Largest result of folding, in elements: what is computed at set-up is small.
constexpr std::int64_t kMostFolded = std::int64_t{1} << 22;
/// And of all results together.
constexpr std::int64_t kMostFoldedInAll = std::int64_t{1} << 26;

}  // namespace etude::onnxio
