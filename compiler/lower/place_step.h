// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/lower/write_tape.h"
#include "compiler/lower/written_steps.h"
#include "compiler/schedule/scheduled_step.h"
#include "models/base/error.h"
#include "program/program.h"
#include "sim/config/workload_config.h"

namespace etude::compiler {

/// Where objects may stand.
struct PlaceLimits {
  WorkloadConfig::Home home = WorkloadConfig::Home::kAuto;
  std::optional<Bytes> budget = {};  ///< of L2 behind the task list; nothing: what L2 leaves
  /// Of home kL2: what is at home in L2 stands below the objects that the budget is for.
  bool home_apart = false;
  /// All of the budget has room behind the whole task list, however small the platform's L2 is: no
  /// placement depends on that then, and MemoryFigures::l2_enough says which L2 would do.
  bool any_l2 = false;
  bool packed_extmem = false;  ///< packed weights are at home in HyperRAM, else in L2
};

/// Objects find no place in the budget, however large L2 is.
class ShortOfBudget : public UserError {
 public:
  using UserError::UserError;
};

/// Bytes of L2 below the first object where the task list is at home in HyperRAM: the runtime and
/// the list's ring.
Bytes least_l2_fixed();

/// Gives everything outside L1 its place, orders the operations and encodes them: the first of the
/// placements that `limits` allow and that fits. Where even fetched tensors leave no room for the
/// task list, that is at home in HyperRAM too.
/// `paged`: storages that a schedule moves (see paging.h).
/// Nothing if the modelled step takes `limit` cycles or more.
/// Errors: UserError naming the memory, how many bytes it is short, and for what; ShortOfBudget.
std::optional<Program> place_step(const Step& step, const KnownStep& known,
                                  const std::vector<PagedStorage>& paged, const PlaceLimits& limits,
                                  Cycle limit = kNever);

}  // namespace etude::compiler
