// SPDX-License-Identifier: Apache-2.0
#include "run/plan/scheduled_program.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "compiler/lower/lower.h"
#include "sim/config/schedule_words.h"

namespace etude::run {
namespace {
using Policy = ScheduleConfig::Policy;

std::vector<std::string> names_of(const StepAnswer& found,
                                  const std::vector<compiler::StorageId>& tensors) {
  std::vector<std::string> names;
  for (const compiler::StorageId i : tensors) {
    names.push_back(found.at.of.problem.tensors[i].name);
  }
  return names;
}

ScheduleFacts facts_of(const RootConfig& config, const StepAnswer& found) {
  const auto word = [](const auto& words, auto value) {
    for (const auto& [name, of] : words) {
      if (of == value) {
        return name;
      }
    }
    return std::string();
  };
  const compiler::ScheduleAnswer& answer = found.answer;
  ScheduleFacts facts;
  facts.policy = word(schedule_policies(), config.schedule.policy);
  facts.objective = word(schedule_objectives(), config.schedule.objective);
  facts.status =
      answer.status == compiler::ScheduleAnswer::Status::kOptimal ? "optimal" : "feasible";
  facts.budget = found.request.limits.budget->raw();
  facts.deadline_s = found.request.limits.deadline_s;
  facts.overhead = answer.overhead;
  facts.bound = answer.bound;
  facts.gap = answer.gap();
  facts.solved = found.solved;
  facts.recomputed = names_of(found, answer.replay.recomputed);
  facts.paged = names_of(found, answer.replay.paged);
  facts.predicted_cycles = found.predicted.cycles.raw();
  facts.predicted_joules = found.predicted.joules;
  return facts;
}

}  // namespace

bool is_plain(const ScheduleConfig& schedule) {
  const ScheduleConfig defaults;
  return schedule.policy == Policy::kKeep && schedule.file.empty() &&
         schedule.budget == defaults.budget && schedule.deadline == defaults.deadline &&
         schedule.objective == defaults.objective && schedule.page_to == defaults.page_to;
}

ScheduledProgram scheduled_program(const TrainingGraph& training, const RootConfig& config,
                                   const StepMeter& meter, const compiler::PackedWeights& packed,
                                   compiler::WrittenSteps* written) {
  if (is_plain(config.schedule)) {
    compiler::LowerOptions options{config.schedule, config.workload.home, config.tiling,
                                   config.train.precision};
    options.written = written;
    options.home_apart = config.workload.home == WorkloadConfig::Home::kL2;
    options.packed = packed;
    options.packed_extmem = config.compress.home == CompressConfig::Home::kExtmem;
    return {compiler::lower_step(training, config.platform, options), std::nullopt};
  }
  const StepModel model = model_step(training, config, meter);
  return scheduled_program(config, answer_step(training, config, model));
}

ScheduledProgram scheduled_program(const RootConfig& config, StepAnswer found) {
  if (!found.program) {
    check_found(found.answer, found.request);
  }
  ScheduledProgram made{std::move(found.program.value()), facts_of(config, found)};
  std::ranges::copy(found.warnings, std::back_inserter(made.program.warnings));
  return made;
}

}  // namespace etude::run
