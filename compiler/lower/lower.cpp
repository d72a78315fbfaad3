// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lower.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/lower/place_step.h"
#include "compiler/lower/sum_cuts.h"
#include "compiler/lower/write_tape.h"
#include "compiler/lower/written_steps.h"
#include "compiler/operators/step.h"
#include "compiler/schedule/policy.h"
#include "compiler/schedule/scheduled_step.h"
#include "models/base/error.h"
#include "models/base/nearest_name.h"

namespace etude::compiler {
namespace {

constexpr Bytes kLongTransfer{65536};
/// Where the task list comes from HyperRAM in each step, shorter lists are worth some cycles.
constexpr Bytes kFetchedListTransfer{16384};

/// Looks for the way of sharing L1 with which the modelled step is over first.
class Search {
 public:
  /// `written`: of earlier searches of the same step; null: none.
  Search(const Step& step, Schedule schedule, std::vector<PagedStorage> paged, PlaceLimits limits,
         Tilings& tilings, SumCuts cuts, WrittenSteps* written)
      : step_(step),
        schedule_(std::move(schedule)),
        paged_(std::move(paged)),
        limits_(limits),
        tilings_(tilings),
        cuts_(std::move(cuts)),
        written_(written) {}

  /// Lowers with the usual sharing of L1, then looks for a better one around it, one choice after
  /// the other: the timeline of the whole step sees overlap that no operator alone can price.
  Program run() {
    try {
      found_ = lower_with(best_);
    } catch (const UserError&) {
      // Fewer operations: a shorter task list. The same tape again is refused in its own words.
      best_.transfer = kLongTransfer;
      tried_.clear();
      return *lower_with(best_);
    }
    const bool fetched = found_->tasks.window != Bytes{};
    if (fetched) {
      shorten_list();
    }
    attempt(&SharingChoice::product, {0.3, 0.45, 0.8});
    attempt(&SharingChoice::backward, {0.45, 0.85, 1.0});
    if (std::ranges::any_of(step_.graph().nodes(),
                            [](const Node& node) { return node.op == OpType::kConv; })) {
      attempt(&SharingChoice::filters_in_turn, {true});
    }
    attempt(&SharingChoice::least_columns, {48u, 64u, 128u});
    if (fetched) {
      return std::move(*found_);
    }
    attempt(&SharingChoice::transfer, {Bytes{4096}, Bytes{6144}, Bytes{12288}, Bytes{16384}});
    return std::move(*found_);
  }

 private:
  /// Nothing if it is not faster than what was found, or the same as an earlier one.
  std::optional<Program> lower_with(const SharingChoice& sharing) {
    const std::shared_ptr<const KnownStep> known = known_with(sharing);
    if (!tried_.insert(known->fingerprint()).second) {
      return std::nullopt;
    }
    return place_step(step_, *known, paged_, limits_, found_ ? found_->modelled_cycles : kNever);
  }

  std::shared_ptr<const KnownStep> known_with(const SharingChoice& sharing) {
    std::shared_ptr<const KnownStep> known =
        written_ == nullptr ? nullptr : written_->find(sharing);
    if (known == nullptr) {
      known =
          std::make_shared<const KnownStep>(write_tape(step_, schedule_, sharing, tilings_, cuts_));
      if (written_ != nullptr) {
        written_->add(sharing, known);
      }
    }
    return known;
  }

  /// Takes longer transfers if fewer operations come of that, whatever the modelled step takes.
  void shorten_list() {
    Program first = std::move(*found_);
    SharingChoice longer = best_;
    longer.transfer = kFetchedListTransfer;
    found_.reset();
    try {
      found_ = lower_with(longer);
    } catch (const UserError&) {
      // The first one stays.
    }
    if (found_ && found_->tasks.operations.size() < first.tasks.operations.size()) {
      best_ = longer;
    } else {
      found_ = std::move(first);
    }
  }

  /// Tries values of one member beside the best of the others so far.
  template <typename Value>
  void attempt(Value SharingChoice::* member, std::initializer_list<Value> values) {
    const SharingChoice around = best_;
    for (const Value value : values) {
      SharingChoice choice = around;
      choice.*member = value;
      try {
        if (auto faster = lower_with(choice)) {
          found_ = std::move(faster);
          best_ = choice;
        }
      } catch (const UserError&) {
        // A choice that does not fit is no choice.
      }
    }
  }

  const Step& step_;
  const Schedule schedule_;
  const std::vector<PagedStorage> paged_;
  const PlaceLimits limits_;
  Tilings& tilings_;
  const SumCuts cuts_;
  WrittenSteps* const written_;
  std::set<std::uint64_t> tried_;  ///< fingerprints of tapes
  SharingChoice best_;
  std::optional<Program> found_;
};

/// Tiles can be given for products: others would ignore them.
void check_tiles(const Step& step) {
  std::vector<std::string> products;
  for (const Node& node : step.graph().nodes()) {
    if (node.op == OpType::kGemm || node.op == OpType::kConv || node.op == OpType::kConvGradInput ||
        node.op == OpType::kConvGradWeight) {
      products.push_back(node.name);
    }
  }
  for (const auto& [name, tile] : step.tiling.operators) {
    if (std::ranges::find(products, name) == products.end()) {
      throw UserError("/tiling/operators/" + name, "the step has no matrix product of this name",
                      products.empty() ? "it has none at all"
                                       : "the nearest is '" + nearest_name(name, products) + "'");
    }
  }
}

/// Where the sums of the step without packed weights are cut: decoded ones give the same bits.
SumCuts cuts_of_plain(const TrainingGraph& training, const PlatformConfig& platform,
                      const LowerOptions& options, bool early_updates) {
  const Step step(training, platform, options.tiling, options.precision, early_updates);
  Tilings tilings(step.cost, platform.cluster.redmule);
  return sum_cuts(step, tilings);
}

}  // namespace

Program lower_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const LowerOptions& options) {
  const auto policy = make_policy(options.schedule);
  if (policy == nullptr) {
    throw NotAvailable("/schedule/policy", "is not available",
                       "this version has \"keep\" and \"sqrt\"");
  }
  return lower_step(training, platform, options, *policy);
}

Program lower_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const LowerOptions& options, const SchedulePolicy& policy) {
  const Step step(training, platform, options.tiling, options.precision, policy.early_updates(),
                  options.packed);
  check_tiles(step);
  Schedule schedule = policy.choose(step);
  const PlaceLimits limits{options.home, options.budget, options.home_apart};
  Tilings tilings(step.cost, platform.cluster.redmule);
  const bool known =
      options.schedule.policy == ScheduleConfig::Policy::kKeep && options.packed.empty();
  WrittenSteps* const written = known ? options.written : nullptr;
  SumCuts cuts = written != nullptr && written->cuts() ? *written->cuts()
                 : options.packed.empty()
                     ? sum_cuts(step, tilings)
                     : cuts_of_plain(training, platform, options, policy.early_updates());
  if (written != nullptr) {
    written->set_cuts(cuts);
  }
  if (schedule.recomputes.empty() && schedule.pages.empty()) {
    return Search(step, std::move(schedule), {}, limits, tilings, std::move(cuts), written).run();
  }
  ScheduledStep scheduled = carry_out(step, schedule);
  schedule.order.resize(scheduled.step->operators.size());
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  return Search(*scheduled.step, std::move(schedule), std::move(scheduled.paged), limits, tilings,
                std::move(cuts), nullptr)
      .run();
}

}  // namespace etude::compiler
