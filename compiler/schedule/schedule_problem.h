// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/types.h"

namespace etude::compiler {

/// A slot of a schedule: the place of one operator in the fixed order of a step, from 0.
using SlotId = std::uint32_t;
/// A storage of the step, by its place in ScheduleProblem::tensors.
using StorageId = std::uint32_t;

/// The operator of a slot, and what it takes by itself.
struct ProblemSlot {
  std::string name;
  double seconds = 0;
  double joules = 0;  ///< dynamic: without static power
  std::vector<StorageId> inputs;
  std::vector<StorageId> outputs;
  Bytes workspace{0};        ///< besides inputs and outputs, while it runs
  bool recomputable = true;  ///< may run again: a forward operator without state of its own
  /// First slot that changes something that the operator reads besides the problem's tensors: it
  /// does not make the same behind that one.
  std::optional<SlotId> changed_at = {};
};

/// One direction of a page transfer of a whole tensor.
struct PageCost {
  double seconds = 0;  ///< of the DMA, latency included
  double joules = 0;
};

/// A storage: what its makers and readers share, whatever views they have of it.
struct ProblemTensor {
  std::string name;
  Bytes bytes{0};
  /// Slot that makes it; none: it stands at home (the memory that pages go to) before the step.
  std::optional<SlotId> producer;
  std::vector<SlotId> uses;  ///< slots that read it, ascending, behind the producer
  /// The last use writes it anew, in place, and the new value has to be at home behind the step.
  bool updated = false;
  PageCost page_in, page_out;
  /// For each use the part of a page-in, from its begin, that has to be there before the operator
  /// can begin; the rest comes while it runs. Empty: all of it.
  std::vector<double> leads{};
  /// The part of a page-out, up to its end, that is not made yet when half an operator is over that
  /// makes or updates the tensor: what is left to go when it ends.
  double trail = 1;

  /// Of an operator in a slot; all of it where that is no use.
  double lead(SlotId slot) const;
};

/// What is to be scheduled: operators in a fixed order, storages, and what everything costs. A slot
/// of no time stands at either end where tensors come from home, so that transfers have a place.
struct ScheduleProblem {
  std::vector<ProblemSlot> slots;
  std::vector<ProblemTensor> tensors;
  double static_w = 0;  ///< power that is drawn for the whole length of the step

  /// Adds the slots at the ends if a tensor comes from home, fills in each other's lists, and
  /// refuses what is not well formed. Errors: UserError at `where`.
  void complete(const std::string& where);

  Bytes bytes(const std::vector<StorageId>& list) const;
  /// Bytes that a slot's operator needs if nothing else stands in memory.
  Bytes alone(SlotId slot) const;
  /// The slot with the largest alone().
  SlotId largest_slot() const;
  /// Bytes of the most loaded slot if everything that the step makes is kept from its making to its
  /// last use, and what comes from home stands in the slots that use it.
  Bytes peak_keep() const;
  /// Whether any tensor comes from home.
  bool from_home() const;
  /// The last slot that needs the tensor: its last use, else its producer.
  SlotId last(StorageId tensor) const;
  /// Whether the slot's operator reads or makes the tensor.
  bool touches(SlotId slot, StorageId tensor) const;
  /// Joules of the transfers that every schedule makes: what comes from home, what is updated. With
  /// them, all operators and static power over their time, the cheapest that is conceivable:
  /// everything kept in a memory without a limit.
  double unavoidable_joules() const;
  /// The last slot in front of which the operator of `slot` may run again and make the same: the
  /// one that updates a parameter which it reads; none if nothing it reads is changed.
  std::optional<SlotId> recompute_limit(SlotId slot) const;
};

/// What a schedule is asked to make least.
enum class ScheduleObjective { kEnergy, kTime, kEdp, kPeak };

/// Limits that a schedule must hold to.
struct ScheduleLimits {
  std::optional<Bytes> budget;
  std::optional<double> deadline_s;
};

}  // namespace etude::compiler
