// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>

#include "compiler/lower/place_step.h"
#include "compiler/lower/sum_cuts.h"
#include "compiler/lower/write_tape.h"
#include "compiler/schedule/keep.h"
#include "models/base/error.h"
#include "run/plan/flash_pages.h"
#include "run/plan/step_traffic.h"
#include "run/plan/step_work.h"
#include "sim/energy/energy.h"

namespace etude::run {
namespace {
using compiler::PageCost;
using compiler::PlanOp;

PageCost page_cost(Bytes bytes, bool to_l2, const RootConfig& config,
                   const compiler::CostModel& cost) {
  Activity activity{Cycle{0}, {}, {}};
  const std::uint64_t n = bytes.raw();
  activity.counters[to_l2 ? "soc_dma.ext_to_l2_bytes" : "soc_dma.l2_to_ext_bytes"] = n;
  activity.counters[to_l2 ? "hyperram.read_bytes" : "hyperram.write_bytes"] = n;
  activity.counters[to_l2 ? "l2.write_bytes" : "l2.read_bytes"] = n;
  // In the pieces in which storages are paged.
  constexpr std::uint64_t kPiece = 16 * 1024;
  double cycles = static_cast<double>(n / kPiece * cost.soc_dma(Bytes{kPiece}).raw());
  if (n % kPiece != 0) {
    cycles += static_cast<double>(cost.soc_dma(Bytes{n % kPiece}).raw());
  }
  return {cycles / config.platform.cluster.clock_hz,
          price(activity, config.platform, config.energy).dynamic};
}

compiler::StepCosts costs_of(const compiler::Step& step, const compiler::Tape& tape,
                             const StepReference& reference, const RootConfig& config) {
  const std::size_t slots = step.operators.size();
  compiler::StepCosts costs;
  std::vector<std::array<double, kUnits>> busy(slots);
  std::vector<StepWork> works(slots);
  for (const PlanOp& op : tape.ops) {
    if (op.probe >= 0) {
      continue;
    }
    const auto unit = op.as<KernelCall>() != nullptr  ? TaskUnit::kCores
                      : op.as<MatrixJob>() != nullptr ? TaskUnit::kRedmule
                                                      : TaskUnit::kDma;
    busy[op.stage][static_cast<std::size_t>(unit)] += static_cast<double>(op.cycles.raw());
    works[op.stage].add(op, op.cycles, config.platform, step.cost);
  }
  for (std::size_t slot = 0; slot < slots; ++slot) {
    costs.seconds.push_back(*std::ranges::max_element(busy[slot]));
    costs.joules.push_back(reference.prices().joules(works[slot]));
  }
  const double sum = std::accumulate(costs.seconds.begin(), costs.seconds.end(), 0.0);
  const double each =
      sum > 0 ? reference.cycles_in_l2() / sum / config.platform.cluster.clock_hz : 0;
  for (double& seconds : costs.seconds) {
    seconds *= each;
  }
  costs.page = [&config, &step](Bytes bytes, bool to_l2) {
    return page_cost(bytes, to_l2, config, step.cost);
  };
  if (config.schedule.page_to == ScheduleConfig::PageTo::kFlash) {
    costs.page_made = [&config, &step](Bytes bytes, bool to_l2) {
      return flash_page_cost(bytes, to_l2, config, step.cost);
    };
  }
  return costs;
}

}  // namespace

StepModel model_step(const TrainingGraph& training, const RootConfig& config,
                     const StepMeter& meter) {
  auto reference = std::make_shared<const StepReference>(training, config, meter);
  PlatformConfig large = config.platform;
  large.l2.size = kLargestL2;
  const compiler::Step step(training, large, config.tiling, config.train.precision, true);
  compiler::Tilings tilings(step.cost, large.cluster.redmule);
  const compiler::KnownStep known(compiler::write_tape(
      step, compiler::KeepPolicy().choose(step), {}, tilings, compiler::sum_cuts(step, tilings)));
  const auto program = compiler::place_step(step, known, {}, {WorkloadConfig::Home::kL2});
  const compiler::StepCosts costs = costs_of(step, known.written().tape, *reference, config);
  const compiler::StepTraffic traffic = traffic_of(step, tilings);
  StepModel model{compiler::problem_of(step, traffic, costs), program->memory.l2_fixed,
                  program->memory.l2_home, compiler::problem_of(step, traffic, costs, true),
                  reference};
  // Of an L2 that holds what keep needs, whatever the platform has: what is chosen for a budget
  // follows from the budget.
  for (auto [each, home] :
       {std::pair{&model.step, Bytes{}}, {&model.at_home_in_l2, model.l2_home}}) {
    compiler::ScheduleProblem& problem = each->problem;
    problem.static_w =
        reference->prices().static_watts(problem.peak_keep() + model.l2_fixed + home);
  }
  return model;
}

Prediction prediction_of(const StepModel& model, const RootConfig& config, const Program& program) {
  return model.reference->predict(program, config.platform.l2.size);
}

Bytes budget_of(double budget, const compiler::ScheduleProblem& problem, const std::string& where) {
  const double bytes =
      budget <= 1 ? budget * static_cast<double>(problem.peak_keep().raw()) : budget;
  if (budget > 1 && (budget != std::floor(budget) || budget > 1e15)) {
    throw UserError(where, nlohmann::ordered_json(budget).dump() + " is no number of bytes",
                    "give whole bytes, or a part of what keep needs (at most 1)");
  }
  return Bytes{static_cast<std::uint64_t>(bytes)};
}

compiler::ScheduleObjective objective_of(ScheduleConfig::Objective objective) {
  switch (objective) {
    case ScheduleConfig::Objective::kEnergy:
      return compiler::ScheduleObjective::kEnergy;
    case ScheduleConfig::Objective::kTime:
      return compiler::ScheduleObjective::kTime;
    case ScheduleConfig::Objective::kEdp:
      return compiler::ScheduleObjective::kEdp;
    case ScheduleConfig::Objective::kPeak:
      break;
  }
  return compiler::ScheduleObjective::kPeak;
}

}  // namespace etude::run
