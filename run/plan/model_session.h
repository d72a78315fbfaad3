// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run/plan/lone_costs.h"
#include "run/plan/model_tier.h"
#include "run/plan/plan_memo.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// What follows from a configuration before anything is timed: its task list, by shapes too.
struct PlannedStep {
  unsigned batch = 1;                                     ///< of the graph
  std::map<std::string, std::vector<std::string>> parts;  ///< RootConfig::parts
  Program program;
  RunFacts facts;
  ProgramShapes shapes;
};

/// The configuration as far as a plan may follow from it: everything else (energy table and the
/// timing of what the compiler knows nothing of, where no schedule is asked for; the engine) stands
/// at its default. Plans of the model tier are made from this, so that equal ones are shared.
RootConfig seen_by_plan(const RootConfig& config);

/// The model tier for one configuration after the other, by any number of threads: the database is
/// open, what operations take is in memory, and the last plans are kept, for points that differ in
/// nothing that a plan follows from (banks, energy prices, timing of cores); of the last ones also
/// what plans have in common that differ in size of L2, clock or HyperRAM alone (PlanMemo). Answers
/// do not depend on what was asked before.
class ModelSession {
 public:
  /// `meter`: measures what the database does not have, which is opened when it is needed.
  ModelSession(const std::filesystem::path& database, PassMeter meter);

  /// model_result() of a configuration, which becomes what the plan found out of it (the batch of a
  /// graph from a file). `warnings`: of loading it; `began`: when `simulator.wall_s` begins.
  /// Errors: UserError for what does not fit or is not available; the database's and the meter's.
  nlohmann::ordered_json result(RootConfig& config, const std::vector<std::string>& warnings,
                                std::chrono::steady_clock::time_point began,
                                Detail detail = Detail::kLayers);

 private:
  using Keys = std::list<std::string>;  ///< the latest last
  /// Made by the first thread that wants it, while others wait.
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const PlannedStep> step;
  };
  /// What was made before of some keys, the latest kept.
  template <class Value>
  class Latest {
   public:
    explicit Latest(std::size_t most) : most_(most) {}
    std::shared_ptr<Value> of(const std::string& key);

   private:
    struct Kept {
      std::shared_ptr<Value> value;
      Keys::iterator place;
    };
    std::size_t most_;
    Keys order_;
    std::map<std::string, Kept> kept_;
  };

  std::shared_ptr<const PlannedStep> planned(const RootConfig& config);
  PlannedStep plan(RootConfig config, const std::shared_ptr<PlanMemo>& memo);

  LoneCostSource costs_;
  std::mutex mutex_;  ///< of the plans that are kept
  Latest<Slot> plans_;
  Latest<PlanMemo> memos_;
};

}  // namespace etude::run
