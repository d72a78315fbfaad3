// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/graph/graph.h"

namespace etude {

/// What a tensor is, as results say it: "input", "parameter", "activation", "gradient", "loss",
/// "state".
const char* name_of(TensorKind kind);

}  // namespace etude
