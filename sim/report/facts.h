// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "program/layer.h"
#include "program/memory_figures.h"

namespace etude {

/// The schedule that a run carries out, and what its step is expected to take. What has no value
/// was not asked for, or is not known of a policy that solves no problem.
struct ScheduleFacts {
  std::string policy, objective;
  std::string status;  ///< of the answer; empty: no problem was solved
  std::optional<std::uint64_t> budget;
  std::optional<double> deadline_s;
  std::optional<double> overhead, bound, gap;  ///< above keep, in the objective's unit
  unsigned solved = 0;  ///< times that the problem was solved until its answer found its place
  std::vector<std::string> recomputed, paged;  ///< tensors
  std::uint64_t predicted_cycles = 0;
  double predicted_joules = 0;
};

/// What the compiler knows of a run before it is simulated.
struct RunFacts {
  std::string title;  ///< "deep_ae, full, batch 24, fp32, sgd"
  std::vector<Layer> layers;
  std::vector<std::uint32_t> op_layer;  ///< layer of each operation of the task list
  MemoryFigures memory;
  std::optional<ScheduleFacts> schedule;  ///< of a policy other than keep
  std::uint64_t macs = 0;                 ///< algorithmic, whole batch
  std::uint64_t passes = 1;               ///< of the task list in a step
  std::uint64_t samples = 1;              ///< per step
  std::vector<std::string> warnings;
  /// Name, tensor and reason of a loss that was chosen for a graph from a file; empty for others.
  std::string loss, loss_of, loss_why;
};

/// How training went.
struct TrainingFacts {
  std::vector<double> losses;  ///< of each step
  unsigned diverged = 0;  ///< step in which the loss was not finite, or that left such a weight
  std::uint64_t classified = 0;  ///< samples of an inference that has labels
  std::uint64_t correct = 0;     ///< of those, samples whose largest logit is their label's
};

/// Outcome of the numeric check.
struct CheckFacts {
  bool done = false;
  std::string reference = "float64 host";
  double max_abs_error = 0;  ///< over the loss and every gradient
  /// Of a tensor's largest reference value, at least of 1 % of the step's largest gradient: what is
  /// zero by symmetry has no relative error.
  double max_rel_error = 0;
  double error_of_allowed = 0;  ///< largest error in parts of what is allowed: at most 1 passes
  bool passed = true;
  std::uint64_t ties = 0;             ///< inputs of ReLU at zero, cut as the chip cut them
  std::uint64_t tensors = 0;          ///< compared, all steps
  std::uint64_t diverged_steps = 0;   ///< of passes: left the range of float, not compared
  std::uint64_t redmule_jobs = 0;     ///< replayed bit for bit
  std::vector<std::string> failures;  ///< one line each, in order
};

/// What the simulator measured of itself.
struct SimulatorFacts {
  double wall_s = 0;
  std::string version;
};

}  // namespace etude
