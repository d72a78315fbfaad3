// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "compiler/tape/tape.h"

namespace etude::compiler {

/// Where parameters and inputs stand and what of them is in L2 when.
enum class Placement {
  kL2,          ///< at home in L2
  kExtmem,      ///< at home in HyperRAM; one copy in L2 from the first use to the last
  kExtmemTwice  ///< at home in HyperRAM; fetched again for each group of operators that uses it
};

/// The outcome of a memory plan. Addresses are in the objects themselves.
struct MemoryPlan {
  bool fits = false;
  std::uint32_t missing = 0;  ///< bytes of L2 (or HyperRAM) that are missing at the worst moment
  std::string worst;          ///< object that found no place
  std::uint32_t l2_peak = 0;  ///< behind the task list
  std::uint32_t external_bytes = 0;
  std::uint64_t activations_peak = 0;
  std::map<TensorId, ObjectId> home;  ///< of inputs, parameters and loss
};

/// Removes stores of tensors that nobody loads from L2.
void drop_unread_stores(Tape& tape);

/// Adds page transfers for `placement`, gives every object outside L1 an address (L2 from
/// `l2_base`, `l2_bytes` long) by liveness in program order, and fills the addresses into the
/// operations.
MemoryPlan plan_memory(Tape& tape, const Graph& graph, Placement placement, std::uint32_t l2_base,
                       std::uint32_t l2_bytes);

}  // namespace etude::compiler
