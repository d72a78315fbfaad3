// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_times.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "compiler/cost/cost_model.h"
#include "run/plan/measured_times.h"
#include "run/plan/model_correction.h"

namespace etude::run {
namespace {

/// Lines of a kernel's code that the shared I-cache lacks when it is cold.
double lines_of(const LoneCosts& lone) {
  const auto refills = lone.cold_counters.find("icache.refills");
  return refills == lone.cold_counters.end() ? 0 : static_cast<double>(refills->second) / 2;
}

double shared_lines(const IcacheConfig& icache) {
  return double{1} * icache.shared_banks * icache.shared_ways * icache.shared_sets;
}

/// Accesses to L1 of a core per cycle of a kernel.
double accesses_of(const LoneCosts& lone, unsigned cores) {
  std::uint64_t accesses = 0;  // of two kernels
  for (const auto& [name, count] : lone.counters) {
    if (name.starts_with("core") && (name.ends_with(".loads") || name.ends_with(".stores"))) {
      accesses += count;
    }
  }
  return static_cast<double>(accesses) / (2.0 * cores * std::max(1.0, lone.behind));
}

/// What units take of each other's speed in a list. An operation's part in it is looked up once.
class SpeedsOfList {
 public:
  SpeedsOfList(const ModelledPlan& plan, const ProgramCosts& costs)
      : contention_(costs.contention), cluster_(plan.config.platform.cluster) {
    for (const auto& shape : costs.shapes) {
      const double accesses = accesses_of(*shape, cluster_.cores);
      levels_.push_back(static_cast<unsigned>(
          std::clamp(std::round(accesses * kAccessSteps), 1.0, double{kAccessSteps})));
    }
    const std::vector<Operation>& operations = plan.program.tasks.operations;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      const std::uint32_t shape = plan.shapes.of[i];
      numbers_.push_back(shape);
      if (const auto* job = operations[i].as<MatrixJob>()) {
        jobs_.try_emplace(shape, job);
      }
    }
  }

  UnitSpeeds of(std::uint32_t kernel, std::uint32_t job, unsigned transfers) {
    const unsigned level = kernel == kNoOperation ? 0 : levels_[numbers_[kernel]];
    const std::uint32_t shape = job == kNoOperation ? ProgramShapes::kNone : numbers_[job];
    const auto [found, fresh] = known_.try_emplace({level, shape, transfers});
    if (fresh) {
      UnitSpeeds& speeds = found->second;
      speeds = contention_->of(cluster_,
                               {level, job == kNoOperation ? nullptr : jobs_.at(shape), transfers});
      const double held_up = model_correction().kernel_held_up;
      speeds.cores = 1 / (1 + held_up * (1 / speeds.cores - 1));
    }
    return found->second;
  }

 private:
  std::shared_ptr<BankContention> contention_;
  const ClusterConfig& cluster_;
  std::vector<unsigned> levels_;                    ///< accesses of cores, by shape
  std::vector<std::uint32_t> numbers_;              ///< shapes, by operation
  std::map<std::uint32_t, const MatrixJob*> jobs_;  ///< by shape
  std::map<std::array<std::uint32_t, 3>, UnitSpeeds> known_;
};

}  // namespace

Coldness coldness(const ModelledPlan& plan, const ProgramCosts& costs) {
  struct Kernel {
    std::uint32_t number;
    double lines;
  };
  std::vector<double> lines;
  for (const auto& shape : costs.shapes) {
    lines.push_back(lines_of(*shape));
  }
  std::vector<Kernel> recent;  // the last one behind
  Coldness cold;
  const double kept =
      model_correction().kept_share * shared_lines(plan.config.platform.cluster.icache);
  const std::vector<Operation>& operations = plan.program.tasks.operations;
  cold.from_shared.resize(operations.size());
  cold.part.resize(operations.size());
  cold.lines.resize(operations.size());
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto* call = operations[i].as<KernelCall>();
    if (call == nullptr) {
      continue;
    }
    Kernel now{call->kernel, lines[plan.shapes.of[i]]};
    const auto last = std::ranges::find(recent, now.number, &Kernel::number);
    double between = now.lines;
    for (auto other = last; other != recent.end(); ++other) {
      between += other == last ? 0 : other->lines;
    }
    const double over = (between - kept) / kept;
    const bool same = last != recent.end() && last + 1 == recent.end();
    cold.part[i] = same ? 0 : last == recent.end() ? 1 : std::clamp(over, 0.0, 1.0);
    cold.lines[i] = cold.part[i] * now.lines;
    const LoneCosts& lone = *costs.shapes[plan.shapes.of[i]];
    cold.from_shared[i] = same ? 0
                               : std::clamp(model_correction().private_line * now.lines, 0.0,
                                            std::max(0.0, lone.cold - lone.alone));
    if (last != recent.end()) {
      now.lines = std::max(now.lines, last->lines);
      recent.erase(last);
    }
    recent.push_back(now);
  }
  return cold;
}

ListTimes times_of(const ModelledPlan& plan, const ProgramCosts& costs, const Coldness& coldness) {
  const PlatformConfig& platform = plan.config.platform;
  const compiler::CostModel timing(platform);
  ListTimes times;
  const ClusterConfig& cluster = platform.cluster;
  const bool idma = cluster.dma.engine == DmaConfig::Engine::kIdma;
  const ModelCorrection& correction = model_correction();
  times.controller = correction.controller_work;
  times.transfers = idma ? correction.idma_work : correction.mchan_work;
  times.beside = [speeds = std::make_shared<SpeedsOfList>(plan, costs)](
                     std::uint32_t kernel, std::uint32_t job, unsigned transfers) {
    return speeds->of(kernel, job, transfers);
  };
  static const LoneCosts kNothing;
  const std::vector<Operation>& operations = plan.program.tasks.operations;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::uint32_t shape = plan.shapes.of[i];
    const LoneCosts& lone = shape != ProgramShapes::kNone ? *costs.shapes[shape] : kNothing;
    const auto* job = operations[i].as<MatrixJob>();
    // Beyond a warm I-cache.
    const double all_cold = std::max(0.0, lone.cold - lone.alone);
    const double in_shared = coldness.from_shared[i];
    const double cold =
        in_shared + correction.cold_share * coldness.part[i] * (all_cold - in_shared);
    times.alone.push_back(lone.alone + cold);
    times.behind.push_back(lone.behind + cold);
    times.port_share.push_back(job != nullptr ? port_share(*job, timing) : 0);
    times.refetch.push_back(correction.controller_refetch * coldness.lines[i]);
  }
  return times;
}

}  // namespace etude::run
