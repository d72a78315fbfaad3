// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/replay.h"

namespace etude::compiler {

/// How a tensor comes to one of its uses from the need before it.
enum class Eviction : std::uint8_t { kKeep, kRecompute, kPage };

/// One choice for each use of each tensor: the form in which heuristics and rivals search. What
/// runs again takes what it reads from where it is kept, else makes or fetches that again too.
class EvictionPlan {
 public:
  /// Keeps everything that the step makes; tensors from home come for each use, unless the slot in
  /// front uses them, too. `budget`: what windows of transfers may fill where tensors come from
  /// home; nothing: what keep needs.
  explicit EvictionPlan(const ScheduleProblem& problem, std::optional<Bytes> budget = {});

  Eviction at(StorageId tensor, std::size_t use) const { return choices_[tensor][use]; }
  void set(StorageId tensor, std::size_t use, Eviction eviction) {
    choices_[tensor][use] = eviction;
  }
  /// The need in front of a use: the use before it, else the producer (slot 0 of a tensor from
  /// home).
  SlotId before(StorageId tensor, std::size_t use) const;
  /// Whether a choice can be made at all.
  bool allowed(StorageId tensor, std::size_t use, Eviction eviction) const;
  /// The schedule of the choices. Where tensors come from home, transfers that find no room beside
  /// operators stand between two slots; elsewhere a page that has no slots between two needs is
  /// kept.
  EventSchedule schedule() const;

 private:
  class Decoder;
  const ScheduleProblem* problem_;
  bool points_;  ///< transfers may stand between two slots
  Bytes budget_{0};
  std::vector<std::vector<Eviction>> choices_;
};

}  // namespace etude::compiler
