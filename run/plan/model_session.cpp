// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_session.h"

#include <utility>

#include "run/plan/plan.h"
#include "run/plan/scheduled_program.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

constexpr std::size_t kPlans = 64;  ///< that are kept: a few megabytes each at most
constexpr std::size_t kMemos = 4;   ///< that are kept: some ten megabytes each

/// A text that tells one configuration's plan from another's. Files count by what they contain.
std::string key_of(const RootConfig& seen) {
  std::string key = resolved_json(seen);
  for (const std::string& given : seen.given) {
    key += given + "\n";
  }
  for (const std::string* file :
       {&seen.workload.onnx, &seen.workload.inputs, &seen.train.initial, &seen.schedule.file}) {
    key += *file + "\n";  // messages name them
  }
  return key;
}

/// The same of what plans have in common (PlanMemo), for which nothing may be asked of a schedule.
std::string memo_key_of(const RootConfig& seen) {
  const PlatformConfig defaults;
  RootConfig common = seen;
  common.platform.l2.size = defaults.l2.size;
  common.platform.cluster.clock_hz = defaults.cluster.clock_hz;
  common.platform.hyperram = defaults.hyperram;
  common.platform.flash = defaults.flash;
  return key_of(common);
}

}  // namespace

RootConfig seen_by_plan(const RootConfig& config) {
  const RootConfig defaults;
  RootConfig seen = config;
  seen.run = defaults.run;
  seen.run.tier = config.run.tier;
  seen.train.steps = defaults.train.steps;
  if (is_plain(config.schedule)) {  // else prices and all of the timing count
    seen.energy = defaults.energy;
    seen.platform = defaults.platform;
    ClusterConfig& cluster = seen.platform.cluster;
    cluster.cores = config.platform.cluster.cores;
    cluster.controller = config.platform.cluster.controller;
    cluster.clock_hz = config.platform.cluster.clock_hz;
    cluster.tcdm.size = config.platform.cluster.tcdm.size;
    cluster.dma.engine = config.platform.cluster.dma.engine;
    cluster.redmule = config.platform.cluster.redmule;
    seen.platform.l2 = config.platform.l2;
    seen.platform.hyperram = config.platform.hyperram;
    seen.platform.flash = config.platform.flash;
  }
  return seen;
}

ModelSession::ModelSession(const std::filesystem::path& database, PassMeter meter)
    : costs_(database, std::move(meter)), plans_(kPlans), memos_(kMemos) {}

PlannedStep ModelSession::plan(RootConfig config, const std::shared_ptr<PlanMemo>& memo) {
  // The step that schedules are made from is predicted as the others are.
  const StepMeter meter = [this](const Plan& reference) {
    const RunFacts facts = reference.facts();
    const ProgramShapes shapes = shapes_of(reference.program().tasks);
    const ModelledPlan modelled{reference.config(), reference.program(), facts, shapes};
    return modelled_pass(modelled, costs_.of(shapes, reference.config().platform));
  };
  const Plan made =
      memo == nullptr ? Plan(std::move(config), meter) : Plan(std::move(config), meter, *memo);
  PlannedStep step{
      made.config().workload.batch, made.config().parts, made.program(), made.facts(), {}};
  step.shapes = shapes_of(step.program.tasks);
  return step;
}

template <class Value>
std::shared_ptr<Value> ModelSession::Latest<Value>::of(const std::string& key) {
  if (const auto found = kept_.find(key); found != kept_.end()) {
    order_.splice(order_.end(), order_, found->second.place);
    return found->second.value;
  }
  if (kept_.size() >= most_) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(key);
  auto value = std::make_shared<Value>();
  kept_.emplace(key, Kept{value, std::prev(order_.end())});
  return value;
}

std::shared_ptr<const PlannedStep> ModelSession::planned(const RootConfig& config) {
  RootConfig seen = seen_by_plan(config);
  const std::string key = key_of(seen);
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard<std::mutex> locked(mutex_);
    slot = plans_.of(key);
  }
  const std::lock_guard<std::mutex> locked(slot->mutex);
  if (slot->step == nullptr) {
    std::shared_ptr<PlanMemo> memo;
    if (is_plain(seen.schedule)) {
      const std::string common = memo_key_of(seen);
      const std::lock_guard<std::mutex> memos_locked(mutex_);
      memo = memos_.of(common);
    }
    slot->step = std::make_shared<const PlannedStep>(plan(std::move(seen), memo));
  }
  return slot->step;
}

nlohmann::ordered_json ModelSession::result(RootConfig& config,
                                            const std::vector<std::string>& warnings,
                                            std::chrono::steady_clock::time_point began,
                                            Detail detail) {
  check_model_tier(config);
  const std::shared_ptr<const PlannedStep> step = planned(config);
  config.workload.batch = step->batch;  // results show what the graph has
  config.parts = step->parts;
  const ProgramCosts costs = costs_.of(step->shapes, config.platform);
  const auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return model_result({config, step->program, step->facts, step->shapes}, costs, warnings, seconds,
                      detail);
}

}  // namespace etude::run
