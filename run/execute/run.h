// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "run/execute/meter.h"
#include "run/plan/plan.h"
#include "sim/engine/run_record.h"
#include "sim/report/facts.h"
#include "sim/trace/timeline.h"
#include "workloads/npz/npz.h"

namespace etude::run {

/// How a run is executed besides what its configuration says.
struct ExecuteOptions {
  /// Called after each step with the number of steps that are over and of all.
  std::function<void(unsigned over, unsigned all)> progress;
  /// Called each time /run/save_every steps are over with their number and the trained parameters.
  /// Without it they are kept for Result::saved.
  std::function<void(unsigned steps, const NpzArchive& parameters)> save;
  /// What loading the configuration warned of: they stand first in the result.
  std::vector<std::string> warnings;
  /// With /run/check: a file for what is found, as JSON; empty: none.
  std::string check_file;
  /// When the work began that `simulator.wall_s` counts; without it, when execute() is called.
  std::optional<std::chrono::steady_clock::time_point> began;
};

/// What the checker has found (docs/check.md); with /run/check.
struct CheckerFindings {
  std::string text;  ///< a line each
  bool errors = false;
  std::string unwritten{};  ///< why their file is not complete; empty: it is
};

/// What a run leaves behind.
struct Result {
  nlohmann::ordered_json json;           ///< result.json (docs/report.md)
  NpzArchive outputs;                    ///< outputs.npz: updated parameters, loss, gradients
  std::map<unsigned, NpzArchive> saved;  ///< trained parameters, by step (ExecuteOptions::save)
  /// Step in which the loss was not finite, or after which a weight was not: the last one. 0: none.
  unsigned diverged = 0;
  std::optional<Timeline> timeline;  ///< with /run/trace
  RunRecord record;                  ///< of the engine, whole steps
  CheckerFindings findings;
};

/// A training run as its configuration says: planned when it is made, simulated by execute().
class Run {
 public:
  /// Builds the graph, lowers it and reads the user's arrays. Errors: UserError.
  explicit Run(RootConfig config);

  const RootConfig& config() const { return plan_.config(); }
  const Plan& plan() const { return plan_; }
  const Program& program() const { return plan_.program(); }

  /// Simulates all steps, or as many until training diverges, and checks them (unless /run/verify
  /// is off). Once per process: SystemC
  /// elaborates once. Errors: ProgramError if the simulated program fails.
  Result execute(const ExecuteOptions& options = {});
  /// What the numeric check found in the executed run; before that, and without /run/verify: not
  /// done.
  const CheckFacts& check() const { return check_; }

 private:
  Plan plan_;
  CheckFacts check_;
};

}  // namespace etude::run
