// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "program/program.h"
#include "run/plan/bank_contention.h"
#include "run/plan/lone_database.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// Runs a pass that a function makes, where there is a simulator. Errors: as StepMeter.
using PassMeter = std::function<MeasuredPass(const std::function<PassMessage()>&)>;

/// The different operations of a task list, by themselves.
struct ProgramShapes {
  static constexpr std::uint32_t kNone = ~0u;
  std::vector<std::uint32_t> of;      ///< of each operation, in `shapes`; kNone: a wait, the end
  std::vector<LoneOperation> shapes;  ///< in the order in which the list first has them
};

/// Errors: as lone_operation().
ProgramShapes shapes_of(const TaskList& tasks);

/// What the shapes of a task list take.
struct ProgramCosts {
  std::vector<std::shared_ptr<const LoneCosts>> shapes;  ///< in the order of ProgramShapes
  std::uint64_t measured = 0;                            ///< those that the database did not have
  std::shared_ptr<BankContention> contention = std::make_shared<BankContention>();
};

/// What single operations take: looked up in the database, kept in memory, and measured where they
/// are not there, each in a child of its own; they are then in the database. Of several threads.
class LoneCostSource {
 public:
  LoneCostSource(const std::filesystem::path& database, PassMeter meter);

  /// Errors: the database's and the meter's.
  ProgramCosts of(const ProgramShapes& shapes, const PlatformConfig& platform);

 private:
  using Known = std::unordered_map<std::string, std::shared_ptr<const LoneCosts>>;

  std::string hardware_of(const PlatformConfig& platform, LoneClass of);
  void take_known(const std::string& hardware, const ProgramShapes& shapes, LoneClass of,
                  ProgramCosts& costs);

  std::mutex mutex_;  ///< of what is in memory, and of the database
  std::filesystem::path file_;
  std::optional<LoneDatabase> database_;  ///< opened by who needs it first
  PassMeter meter_;
  std::map<std::string, Known> known_;  ///< by hardware
  std::shared_ptr<BankContention> contention_ = std::make_shared<BankContention>();
};

}  // namespace etude::run
