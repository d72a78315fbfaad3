// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sim/config/root_config.h"
#include "sim/energy/energy.h"
#include "sim/engine/run_record.h"
#include "sim/report/facts.h"

namespace etude {

using Json = nlohmann::ordered_json;

/// result.json of a finished run: what happened in its last step, priced, with all counters, so
/// that it can be priced again without simulating. Fields: docs/report.md. `training` has one loss
/// per step (not finite becomes null, with a warning). Everything but /simulator is a function of
/// the configuration.
Json make_result(const RootConfig& config, const RunFacts& facts, const RunRecord& record,
                 const TrainingFacts& training, const CheckFacts& check,
                 const SimulatorFacts& simulator);

/// Replaces every number of `result` that depends on the energy table (energy with its range, bill,
/// layers' energy, area with its parts, work per area, EDP, assumptions), from the counters that
/// the result holds. Throws UserError when a counter that is priced is not among them.
void price_again(Json& result, const PlatformConfig& platform, const EnergyConfig& table);

/// A lower bound of the step's length from one resource.
struct Bound {
  std::string resource;  ///< "L3 bandwidth"
  std::string work;      ///< "3,900,000 B at 1.11 B/cycle"
  double cycles = 0;     ///< the step cannot be shorter
  /// Of the array: what its FMAs did over the step, as shares of height x width x cycles: "useful",
  /// "padded" (what fills jobs and tiles, not of the algorithm) and "idle"; else empty.
  std::vector<std::pair<std::string, double>> parts;
};

/// Bounds of a step, longest first: array (the algorithm's products), port, cores, L2 bandwidth
/// (the DMA's two directions are channels of their own: the larger one), HyperRAM (its bus is for
/// both directions) and flash. Throws std::logic_error if one exceeds the step: then a counter, a
/// rate or the step's length is wrong.
std::vector<Bound> bounds_of(const PlatformConfig& platform, const RunFacts& facts,
                             const StepRecord& step);

}  // namespace etude
