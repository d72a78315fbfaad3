// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace etude {

/// Which parameters a step changes.
struct MethodOptions {
  enum class Method {
    kFull,         ///< every parameter but statistics
    kLastK,        ///< matrices and filters of the last k blocks, and the head
    kLinearProbe,  ///< the last layer
    kLora,         ///< adapters on matrices of the last k blocks (k = 0: all), and the head
    kNone,         ///< nothing: inference
  };
  Method method = Method::kFull;
  unsigned k = 0;
  unsigned rank = 4;
  double alpha = 0;                 ///< adapters are scaled by alpha / rank; 0: alpha = rank
  std::vector<std::string> layers;  ///< adapted layers by the last part of their name; empty: all
  bool adapters_in_all = false;     ///< frozen adapters in the forward pass of the other blocks too
};

}  // namespace etude
