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

  /// Of the programs with room for all of their budget that are tried where L2 has no end, the
  /// fastest that this L2 has room for: each L2 between what that takes and without an end gives
  /// the same one. Nothing if none of them has room.
  std::optional<Program> run_in_any_l2() {
    try {
      found_ = lower_with(best_);
      look_around();
    } catch (const UserError&) {
      // Too much for the budget, or for HyperRAM: a shorter list may be less.
    }
    if (!fits_) {
      best_.transfer = kLongTransfer;
      try {
        (void)lower_with(best_);
      } catch (const UserError&) {
        // As before: to be said in the words of the platform's L2.
      }
    }
    return std::move(fits_);
  }

  /// L2 for the fastest of these.
  std::optional<Bytes> enough_l2() const {
    return found_ ? std::optional(found_->memory.l2_enough) : std::nullopt;
  }

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
    look_around();
    return std::move(*found_);
  }

 private:
  void look_around() {
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
    if (!fetched) {
      attempt(&SharingChoice::transfer, {Bytes{4096}, Bytes{6144}, Bytes{12288}, Bytes{16384}});
    }
  }

  /// Nothing if it is not faster than what was found, or the same as an earlier one.
  std::optional<Program> lower_with(const SharingChoice& sharing) {
    const std::shared_ptr<const KnownStep> known = known_with(sharing);
    if (!tried_.insert(known->fingerprint()).second) {
      return std::nullopt;
    }
    const auto& before = limits_.any_l2 ? fits_ : found_;
    auto made =
        place_step(step_, *known, paged_, limits_, before ? before->modelled_cycles : kNever);
    if (!made || !limits_.any_l2) {
      return made;
    }
    if (made->memory.l2_enough <= step_.platform.l2.size) {
      fits_ = made;
    }
    return found_ && found_->modelled_cycles <= made->modelled_cycles ? std::nullopt
                                                                      : std::move(made);
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
  std::optional<Program> fits_;  ///< of any_l2: the fastest that the platform's L2 has room for
};

Program lowered(const Step& step, const Schedule& schedule, const std::vector<PagedStorage>& paged,
                PlaceLimits limits, Tilings& tilings, const SumCuts& cuts, WrittenSteps* written) {
  std::optional<Bytes> enough;
  if (limits.budget) {
    limits.any_l2 = true;
    Search whole(step, schedule, paged, limits, tilings, cuts, written);
    if (auto made = whole.run_in_any_l2()) {
      return std::move(*made);
    }
    limits.any_l2 = false;
    enough = whole.enough_l2();
  }
  Program made = Search(step, schedule, paged, limits, tilings, cuts, written).run();
  if (limits.budget && *limits.budget >= step.platform.l2.size) {
    made.memory.l2_enough = enough.value_or(made.memory.l2_fixed + *limits.budget);
  }
  return made;
}

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
  const PlaceLimits limits{.home = options.home,
                           .budget = options.budget,
                           .home_apart = options.home_apart,
                           .packed_extmem = options.packed_extmem};
  Tilings tilings(step.cost, platform.cluster.redmule);
  const bool known =
      options.schedule.policy == ScheduleConfig::Policy::kKeep && options.packed.empty();
  WrittenSteps* const written = known ? options.written : nullptr;
  const SumCuts cuts = written != nullptr && written->cuts() ? *written->cuts()
                       : options.packed.empty()
                           ? sum_cuts(step, tilings)
                           : cuts_of_plain(training, platform, options, policy.early_updates());
  if (written != nullptr) {
    written->set_cuts(cuts);
  }
  if (schedule.recomputes.empty() && schedule.pages.empty()) {
    return lowered(step, schedule, {}, limits, tilings, cuts, written);
  }
  ScheduledStep scheduled = carry_out(step, schedule);
  schedule.order.resize(scheduled.step->operators.size());
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  return lowered(*scheduled.step, schedule, scheduled.paged, limits, tilings, cuts, nullptr);
}

}  // namespace etude::compiler
