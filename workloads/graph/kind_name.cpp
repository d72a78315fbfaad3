// SPDX-License-Identifier: Apache-2.0
#include "workloads/graph/kind_name.h"

namespace etude {

const char* name_of(TensorKind kind) {
  switch (kind) {
    case TensorKind::kInput:
      return "input";
    case TensorKind::kParameter:
      return "parameter";
    case TensorKind::kActivation:
      return "activation";
    case TensorKind::kGradient:
      return "gradient";
    case TensorKind::kLoss:
      return "loss";
    case TensorKind::kState:
      return "state";
  }
  return "";
}

}  // namespace etude
