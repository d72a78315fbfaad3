// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/layer.h"
#include "program/memory_figures.h"

namespace etude {

/// What the compiler knows of a run before it is simulated.
struct RunFacts {
  std::string title;  ///< "deep_ae, full, batch 24, fp32, sgd"
  std::vector<Layer> layers;
  std::vector<std::uint32_t> op_layer;  ///< layer of each operation of the task list
  MemoryFigures memory;
  std::uint64_t macs = 0;     ///< algorithmic, whole batch
  std::uint64_t samples = 1;  ///< per step
  std::vector<std::string> warnings;
  /// Name, tensor and reason of a loss that was chosen for a graph from a file; empty for others.
  std::string loss, loss_of, loss_why;
};

/// Outcome of the numeric check.
struct CheckFacts {
  bool done = false;
  std::string reference = "float64 host";
  double max_abs_error = 0;  ///< over the loss and every gradient
  double max_rel_error = 0;  ///< of a tensor's largest reference value
  bool passed = true;
  std::uint64_t tensors = 0;          ///< compared, all steps
  std::uint64_t redmule_jobs = 0;     ///< replayed bit for bit
  std::vector<std::string> failures;  ///< one line each, in order
};

/// What the simulator measured of itself.
struct SimulatorFacts {
  double wall_s = 0;
  std::string version;
};

}  // namespace etude
