// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/memory/paging.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

/// The outcome of a memory plan. Addresses are in the objects themselves.
struct MemoryPlan {
  bool fits = false;
  Bytes missing;         ///< of L2 (or HyperRAM), at the worst moment; where it does not fit
  std::string worst;     ///< object that found no place
  Bytes l2_peak;         ///< from `l2_base` to the end of the highest object
  Bytes l2_at_once;      ///< the most bytes that live at one operation: no plan has a lower peak
  Bytes external_bytes;  ///< of HyperRAM
  Bytes flash_bytes;     ///< of flash, whole sectors
  Bytes activations_peak;
  std::map<TensorId, ObjectId> home;  ///< of inputs, parameters and loss
};

/// Removes stores of tensors that nobody loads from L2.
void drop_unread_stores(Tape& tape);

/// Bytes of what stands in L2 all along where parameters and inputs are at home there; packed
/// weights, too, but where they are at home in HyperRAM.
Bytes home_bytes(const Tape& tape, bool packed_extmem = false);

/// Adds page transfers for `placement`, `packed_extmem` and those of `paged` (see paging.h), gives
/// every object outside L1 an address (L2 from `l2_base`, `l2_bytes` long) by liveness in program
/// order, and fills the addresses into the operations.
MemoryPlan plan_memory(Tape& tape, const Graph& graph, Placement placement, Address l2_base,
                       Bytes l2_bytes, const std::vector<PagedStorage>& paged = {},
                       bool packed_extmem = false);

}  // namespace etude::compiler
