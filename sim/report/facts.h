// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etude {

/// One layer of the task list, as the compiler knows it.
struct LayerFacts {
  std::string name;
  std::string op;
  std::string phase;  ///< forward, backward, recompute, update, page
  std::string unit;   ///< cores, redmule, dma
  std::uint64_t macs = 0;
};

/// Bytes that the memory plan uses.
struct MemoryFacts {
  std::uint64_t l1_peak = 0;  ///< stacks included
  std::uint64_t l2_peak = 0;
  std::uint64_t l3_peak = 0;
  std::uint64_t parameters = 0;
  std::uint64_t trainable = 0;
  std::uint64_t gradients = 0;
  std::uint64_t activations_peak = 0;                 ///< dynamic memory
  std::uint64_t activations_peak_gradients_kept = 0;  ///< with all gradients kept to the end
};

/// What the compiler knows of a run before it is simulated.
struct RunFacts {
  std::string title;  ///< "deep_ae, full, batch 24, fp32, sgd"
  std::vector<LayerFacts> layers;
  std::vector<std::uint32_t> op_layer;  ///< layer of each operation of the task list
  MemoryFacts memory;
  std::uint64_t macs = 0;     ///< algorithmic, whole batch
  std::uint64_t samples = 1;  ///< per step
  std::vector<std::string> warnings;
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
