// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "run/plan/step_meter.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// What a configuration will run, without simulating it: graph, parameters, MACs, and, where the
/// step can be lowered, layers, memory, traffic and tasks (docs/report.md). Where an operator is
/// not available on the simulated chip, `warnings` says so and those members are missing. Errors:
/// UserError.
nlohmann::ordered_json describe(const RootConfig& config, const StepMeter& meter = {});

}  // namespace etude::run
