// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "workloads/onnx/raw_model.h"

namespace etude::onnxio {

/// Nodes that may be one operator which an exporter wrote in parts. Nothing outside of the pattern
/// reads what lies inside; whether constants and axes are the operator's is known when its last
/// node is reached (Translator::fuse()).
struct Pattern {
  enum class Kind {
    kLayerNorm,
    kErfGelu,
    kTanhGelu,
    kSigmoidGelu,
    kSoftmax,
    kLogSoftmax,
    kLogOfSoftmax
  };
  Kind kind = Kind::kLayerNorm;
  std::string x;                  ///< the value that the operator reads
  std::vector<std::size_t> core;  ///< nodes that are the operator, the last one last, without tail
  /// Nodes behind the core, each reading the one before: one of them may end the operator (GELU),
  /// or they are scale and bias (layer normalisation).
  std::vector<std::size_t> tail;
  std::vector<std::size_t> means;  ///< of the core: reductions that must be over the last axis
  std::string square;              ///< kLayerNorm: the exponent of a Pow; "" for a product
  std::string epsilon;             ///< kLayerNorm
  std::string scale, bias;         ///< kLayerNorm: operands of the tail; "" without
  std::string function;            ///< a GELU's Erf, Tanh or Sigmoid: the value, and what it is of
  std::string argument;

  std::size_t last() const { return tail.empty() ? core.back() : tail.back(); }
};

/// The patterns of a model whose nodes stand in `order`. None shares a node with another.
std::vector<Pattern> find_patterns(const RawModel& model, const std::vector<std::size_t>& order);

}  // namespace etude::onnxio
