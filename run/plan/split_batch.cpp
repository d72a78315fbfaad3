// SPDX-License-Identifier: Apache-2.0
#include "run/plan/split_batch.h"

#include <utility>

#include "models/base/error.h"
#include "run/plan/accumulated.h"
#include "run/plan/workload.h"

namespace etude::run {
namespace {

bool may_split(const RootConfig& config) {
  const ScheduleConfig& schedule = config.schedule;
  return schedule.policy == ScheduleConfig::Policy::kOptimal && schedule.budget == 0 &&
         schedule.file.empty() && config.workload.onnx.empty();
}

/// Of all passes, in the objective's unit.
double cost_of(const SplitBatch& split) {
  const double cycles = split.parts * static_cast<double>(split.found.predicted.cycles.raw());
  const double joules = split.parts * split.found.predicted.joules;
  switch (split.config.schedule.objective) {
    case ScheduleConfig::Objective::kEnergy:
      return joules;
    case ScheduleConfig::Objective::kTime:
      return cycles;
    case ScheduleConfig::Objective::kEdp:
      return cycles * joules;
    case ScheduleConfig::Objective::kPeak:
      break;
  }
  return static_cast<double>(split.found.program->memory.l2_peak.raw());
}

/// Null if it does not fit, or cannot be added up.
std::unique_ptr<SplitBatch> passes(const RootConfig& config, unsigned parts, const StepMeter& meter,
                                   const AnswerOptions& options) {
  auto split = std::make_unique<SplitBatch>();
  split->parts = parts;
  split->config = pass_of(config, parts);
  split->config.schedule.deadline /= parts;
  try {
    split->own.training = build_workload(split->config).training;
    split->own.model = model_step(split->own.training, split->config, meter);
    split->found = answer_step(split->own.training, split->config, split->own.model, options);
  } catch (const UserError&) {
    return nullptr;
  }
  return split->found.program ? std::move(split) : nullptr;
}

}  // namespace

std::unique_ptr<SplitBatch> split_batch(const RootConfig& config, const StepMeter& meter,
                                        const AnswerOptions& options) {
  if (!may_split(config)) {
    return nullptr;
  }
  std::unique_ptr<SplitBatch> best;
  for (unsigned parts = 2; parts <= config.workload.batch; ++parts) {
    if (config.workload.batch % parts != 0) {
      continue;
    }
    auto next = passes(config, parts, meter, options);
    if (next && (!best || cost_of(*next) < cost_of(*best))) {
      best = std::move(next);
    }
  }
  if (best) {
    best->warning = "no schedule holds all " + std::to_string(config.workload.batch) +
                    " samples at once: the step is " + std::to_string(best->parts) + " passes of " +
                    std::to_string(best->config.workload.batch) +
                    ", whose gradients are added up (as by /workload/batch " +
                    std::to_string(best->config.workload.batch) + " and /train/accumulate " +
                    std::to_string(best->config.train.accumulate) + ")";
  }
  return best;
}

}  // namespace etude::run
