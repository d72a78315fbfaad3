// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "program/program.h"
#include "sim/report/memory_json.h"

namespace etude::run {

/// [{"name", "op", "phase", "unit", "macs"}]
nlohmann::ordered_json layers_json(const std::vector<Layer>& layers);

/// A lowered step: home, memory, modelled and kernel cycles, budget, layers; `operations` of the
/// task list and `tensors` outside L1 as columns of equal length, by their names, and `l1_buffers`.
/// Addresses are those of the simulated SoC; m, n, k are 0 but of jobs; bytes are those that a
/// transfer moves.
nlohmann::ordered_json program_json(const Program& program);

}  // namespace etude::run
