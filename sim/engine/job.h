// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "program/memory_image.h"
#include "program/probe.h"

namespace etude {

/// What the engine runs: a program, the memory that it finds, a task list, probes.
struct Job {
  std::vector<MemoryImage> images;  ///< ELF segments, boot block, task list, parameters, data
  Address entry;
  unsigned steps{1};
  std::vector<std::uint32_t> op_layer;  ///< layer of each operation of the task list
  std::vector<std::uint8_t>
      op_unit;  ///< enum etude_unit of each posted operation, else 255 (trace only)
  std::vector<std::string> layer_name;  ///< of each layer (trace only)
  std::vector<Probe> probes;
  /// Called before each step but the first with its number: images that replace memory (next
  /// batch).
  std::function<std::vector<MemoryImage>(unsigned step)> before_step;
  /// Called at each probe with the bytes, rows packed one behind the other.
  std::function<void(unsigned step, const Probe&, const std::vector<std::uint8_t>&)> on_probe;
  /// Called after each step, with a reader of simulated memory (L1, L2, HyperRAM) by address.
  std::function<void(unsigned step,
                     const std::function<std::vector<std::uint8_t>(Address, Bytes)>&)>
      after_step;
  /// Asked behind after_step: true ends the run as if the step had been the last. May be empty.
  std::function<bool(unsigned step)> stop_after;
};

}  // namespace etude
