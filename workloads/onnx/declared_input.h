// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// An input as the file declares it.
struct DeclaredInput {
  TensorId id{};
  std::string type;                  ///< of onnx.proto: "FLOAT", "INT64"
  std::vector<std::string> symbols;  ///< of the extents, "" where one has none
};

}  // namespace etude
