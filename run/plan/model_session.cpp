// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_session.h"

#include <utility>

#include "run/plan/plan.h"
#include "run/plan/scheduled_program.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

constexpr std::size_t kPlans = 64;  ///< that are kept: a few megabytes each at most

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
    : costs_(database, std::move(meter)) {}

PlannedStep ModelSession::plan(RootConfig config) {
  // The step that schedules are made from is predicted as the others are.
  const StepMeter meter = [this](const Plan& reference) {
    const RunFacts facts = reference.facts();
    const ProgramShapes shapes = shapes_of(reference.program().tasks);
    const ModelledPlan modelled{reference.config(), reference.program(), facts, shapes};
    return modelled_pass(modelled, costs_.of(shapes, reference.config().platform));
  };
  const Plan made(std::move(config), meter);
  PlannedStep step{
      made.config().workload.batch, made.config().parts, made.program(), made.facts(), {}};
  step.shapes = shapes_of(step.program.tasks);
  return step;
}

std::shared_ptr<ModelSession::Slot> ModelSession::slot_of(const std::string& key) {
  const std::lock_guard<std::mutex> locked(mutex_);
  if (const auto found = kept_.find(key); found != kept_.end()) {
    order_.splice(order_.end(), order_, found->second.place);
    return found->second.slot;
  }
  if (kept_.size() >= kPlans) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(key);
  auto slot = std::make_shared<Slot>();
  kept_.emplace(key, Kept{slot, std::prev(order_.end())});
  return slot;
}

std::shared_ptr<const PlannedStep> ModelSession::planned(const RootConfig& config) {
  RootConfig seen = seen_by_plan(config);
  const std::shared_ptr<Slot> slot = slot_of(key_of(seen));
  const std::lock_guard<std::mutex> locked(slot->mutex);
  if (slot->step == nullptr) {
    slot->step = std::make_shared<const PlannedStep>(plan(std::move(seen)));
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
