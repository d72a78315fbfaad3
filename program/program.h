// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/element_type.h"
#include "models/base/types.h"
#include "program/layer.h"
#include "program/memory_figures.h"
#include "program/operation.h"
#include "program/probe.h"
#include "program/stored_tensor.h"

namespace etude {

/// Where a tensor stands at both ends of a step: dense, row major.
struct TensorPlace {
  std::uint32_t tensor{};  ///< number in the training graph
  std::string name;
  Address address;
  Bytes bytes;
  std::vector<std::uint64_t> shape;
  DType dtype = DType::kFloat32;
};

/// Where the numbers and scales of a packed parameter stand.
struct PackedPlace {
  std::uint32_t tensor{};  ///< number in the training graph
  std::string name;
  Address numbers, scales;
  Bytes number_bytes, scale_bytes;
};

/// A buffer of L1: in use from the moment when operation `first_op` of the task list is posted
/// until all of `last_ops` are done (the last one of each unit that touches it).
struct L1Buffer {
  Address address;
  Bytes bytes;
  std::uint32_t first_op = 0;
  std::vector<std::uint32_t> last_ops;
};

/// The operations of a step, and how they stand in memory.
struct TaskList {
  std::vector<Operation> operations;  ///< in the order of their posting, waits between them
  Address address;                    ///< in L2
  std::vector<std::uint8_t> bytes;    ///< etude_task_header and operations (etude_task.h)
  /// Bytes of operations that are in L2 at a time; 0: all. Then the list is at home in HyperRAM.
  Bytes window;
  Address home;  ///< of the operations, without header
};

/// A training step ready to run: the task list, where everything lies, and how to account for it.
struct Program {
  TaskList tasks;
  std::vector<Layer> layers;            ///< Operation::layer is an index
  std::vector<TensorPlace> inputs;      ///< filled by the host before each step
  std::vector<TensorPlace> parameters;  ///< at home; updated in place by a step
  std::vector<TensorPlace> states;      ///< of the optimiser: at home, updated in place by a step
  std::vector<PackedPlace> packed;      ///< parameters that stand packed, at home
  TensorPlace loss;                     ///< one float, final at the end of the step
  std::vector<TensorProbe> probes;      ///< every gradient of a trained parameter
  MemoryFigures memory;
  bool home_extmem = false;
  /// Bytes of L2 that the memory plan has handed out, behind the task list, at each operation.
  std::vector<std::uint32_t> l2_used;
  std::vector<StoredTensor> stored;  ///< by the ObjectId of accesses
  std::optional<Bytes> budget;       ///< of L2 behind the task list, if one was given
  Bytes l1_reserved;                 ///< of the runtime: stacks, rings, the loss
  std::vector<L1Buffer> l1_buffers;  ///< behind them
  Cycle modelled_cycles;             ///< of the cost model that chose tiles and order
  Cycle kernel_cycles;               ///< modelled, of all kernels one after the other
  std::vector<std::string> warnings;
};

/// Operations of one kind in a task list.
template <class Kind>
std::size_t count_of(const TaskList& tasks) {
  std::size_t found = 0;
  for (const Operation& operation : tasks.operations) {
    found += operation.as<Kind>() != nullptr ? 1 : 0;
  }
  return found;
}

}  // namespace etude
