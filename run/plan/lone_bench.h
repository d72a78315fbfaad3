// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "run/plan/lone_operation.h"
#include "run/plan/pass_message.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// What an operation takes by itself, in the cycle tier.
struct LoneCosts {
  double alone = 0;   ///< cycles from its posting to a unit at rest until it is done
  double cold = 0;    ///< the same of a kernel behind others, whose code the I-cache has
  double behind = 0;  ///< from the end of an equal one in front of it in the queue to its own
  /// Events of two of them, the controller's among them, and of all harts cycles at work ("busy")
  /// and waits by their reasons. None: no cycles asleep.
  std::map<std::string, std::uint64_t> counters, stalls;
  /// The same of two kernels, beyond that, with a cold I-cache.
  std::map<std::string, std::uint64_t> cold_counters, cold_stalls;
};

/// A task list that works through an operation: behind kernels that take the I-cache and with its
/// operands brought, once cold, once by itself, then two in a row.
class LoneBench {
 public:
  LoneBench(const PlatformConfig& platform, LoneClass of, const LoneOperation& lone);

  /// The pass to be measured, layers apart.
  PassMessage message() const;
  /// The operation's costs. Errors: std::logic_error if it is not in the pass.
  LoneCosts costs(const MeasuredPass& pass) const;

 private:
  struct Place {
    std::uint32_t cold = 0, alone = 0, first = 0, second = 0;  ///< in the list; waits between them
    std::uint32_t layer = 0;  ///< of the two in a row; of the cold one two before
  };
  void post(Operation operation, std::uint32_t layer);
  void wait(TaskUnit unit, std::uint32_t layer);
  void bring(Bytes all, bool integers, std::uint32_t layer);
  void run_others(std::uint32_t layer);
  void begin_chunk(std::uint32_t layer);

  PlatformConfig platform_;
  std::vector<Operation> list_;
  Place place_;
  Bytes floats_;  ///< that are brought: as many stand in L2
  std::array<std::uint32_t, kUnits> posted_{};
  unsigned harts_;
};

}  // namespace etude::run
