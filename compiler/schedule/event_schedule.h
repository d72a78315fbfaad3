// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/schedule/schedule_problem.h"

namespace etude::compiler {

/// An operator that runs, its first time or again, and the storages that are given up once it has
/// ended.
struct ScheduledOperator {
  SlotId slot = 0;
  std::vector<StorageId> frees;

  bool operator==(const ScheduledOperator&) const = default;
};

/// A page transfer of a whole tensor. The DMA may work on it from the begin of slot `first` to the
/// end of slot `last`, and the tensor's buffer in memory is held that long. Out: the copy at home
/// can be read from slot last + 1 on. In: the tensor can be read from slot last + 1 on.
/// A window may be the point between two slots: first = last + 1. The step waits there, behind the
/// operator of slot `last`, until all that go out and then all that come in at that point have
/// done so: what goes out is not in slot `first`, what comes in is not in slot `last`.
struct TensorPage {
  enum class Direction { kOut, kIn };
  StorageId tensor = 0;
  Direction direction = Direction::kOut;
  SlotId first = 0, last = 0;

  bool at_point() const { return first == last + 1; }
  bool operator==(const TensorPage&) const = default;
};

/// A schedule in the form in which it is executed: for each slot the operators that run again in
/// front of the slot's own, in their order, then that one; and the page transfers. Storages are
/// allocated by the operator that makes them, or at the begin of a page-in, and given up by `frees`
/// (at the end of a page-out that is still under way then).
struct EventSchedule {
  std::vector<std::vector<ScheduledOperator>> slots;
  std::vector<TensorPage> pages;

  bool operator==(const EventSchedule&) const = default;
};

}  // namespace etude::compiler
