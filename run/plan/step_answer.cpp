// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_answer.h"

#include <algorithm>
#include <utility>

#include "compiler/lower/lower.h"
#include "compiler/lower/place_step.h"
#include "compiler/schedule/keep.h"
#include "compiler/schedule/optimal.h"
#include "compiler/schedule/policies.h"
#include "models/base/error.h"
#include "run/plan/schedule_clock.h"
#include "run/plan/schedule_from_file.h"

namespace etude::run {
namespace {
using compiler::ScheduleAnswer;
using Home = WorkloadConfig::Home;
using Policy = ScheduleConfig::Policy;

bool holds(const ScheduleAnswer& answer) { return answer.found() && answer.replay.ok; }

class Answering {
 public:
  Answering(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
            const AnswerOptions& options)
      : training_(training), config_(config), model_(model), options_(options) {
    const ScheduleConfig& schedule = config.schedule;
    if (schedule.budget != 0) {
      const auto& of = config.workload.home == Home::kL2 ? model.at_home_in_l2 : model.step;
      budget_ = budget_of(schedule.budget, of.problem, options.budget_key);
    }
  }

  StepAnswer run() {
    StepAnswer begin = ask();
    if (begin.program || begin.answer.needs) {
      return begin;
    }
    const StepAtHome& at = begin.at;
    if (config_.schedule.policy == Policy::kSqrt && config_.workload.home == Home::kAuto) {
      if (auto near = sqrt_in_l2()) {
        return std::move(*near);
      }
    }
    if (budget_ && at.home != Home::kL2) {
      check_room_behind(at);
    }
    if (budget_ || at.home == Home::kL2) {
      return answered(at, *begin.request.limits.budget);
    }
    try {
      StepAnswer found = answered(at, behind(at.l2_fixed));
      if (found.program) {
        return found;
      }
    } catch (const UserError&) {
      // With the task list at home in HyperRAM.
    }
    return answered(at, behind(compiler::least_l2_fixed()));
  }

  /// Has a program, or what would do, where there is nothing to search for.
  StepAnswer ask() {
    if (config_.schedule.policy == Policy::kKeep && !budget_) {
      return as_it_is();
    }
    if (auto near = all_in_l2()) {
      return std::move(*near);
    }
    const bool near = config_.workload.home == Home::kL2;
    StepAtHome at = near ? in_l2(model_, true) : in_hyperram(model_);
    if (near) {
      check_room(at);
    }
    StepAnswer begin{std::move(at), {}, {}, {}, {}, 1, {}};
    begin.request = request_at(
        begin.at, budget_.value_or(behind(near ? begin.at.l2_fixed : least_fixed(begin.at))));
    return begin;
  }

  StepAnswer from_file() {
    StepAnswer found;
    const Home home = config_.workload.home;
    found.at = home == Home::kL2 ? in_l2(model_, true) : in_hyperram(model_);
    if (StepAtHome near = in_l2(model_, false);
        home == Home::kAuto && is_of_file(near.of.problem, config_)) {
      found.at = std::move(near);  // it was made where everything fits in L2
    }
    check_home_of_file(found.at);
    found.answer = answer_of_file(found.at.of.problem, config_);
    found.request = request_at(found.at, budget_.value_or(behind(found.at.l2_fixed)));
    if (config_.schedule.policy == Policy::kSqrt) {
      found.answer.status = ScheduleAnswer::Status::kFeasible;
      take(carry_out_segments(training_, config_, model_, found.at, *found.request.limits.budget,
                              std::move(found.answer)),
           found);
    } else {
      take(carry_out_file(training_, config_, model_, found.at, std::move(found.answer), budget_),
           found);
    }
    check_deadline_of_file(seconds_of(found.predicted), config_);
    return found;
  }

 private:
  Bytes behind(Bytes fixed) const {
    const Bytes l2 = config_.platform.l2.size;
    return l2 > fixed ? l2 - fixed : Bytes{1};
  }

  static Bytes least_fixed(const StepAtHome& at) {
    return std::max(at.l2_fixed, compiler::least_l2_fixed());
  }

  compiler::ScheduleRequest request_at(const StepAtHome& at, Bytes budget) const {
    const ScheduleConfig& schedule = config_.schedule;
    compiler::ScheduleRequest request;
    request.rules = compiler::CandidateRules::usual(at.of.problem);
    request.objective = objective_of(schedule.objective);
    request.limits.budget = budget;
    if (schedule.deadline != 0) {
      request.limits.deadline_s = schedule.deadline;
    }
    if (options_.time_limit_s) {
      request.time_limit_s = request.nominal_limit_s = *options_.time_limit_s;
    }
    request.memory = options_.memory;
    if (is_timed(request)) {
      request.clock = clock_of(training_, config_, model_, at, budget);
    }
    return request;
  }

  /// Refuses what L2 cannot give beside what is at home there: with a budget whatever the task list
  /// takes, else where nothing is left.
  void check_room(const StepAtHome& at) const {
    const Bytes l2 = config_.platform.l2.size;
    const Bytes needed = budget_ ? model_.l2_home + std::min(*budget_, at.of.problem.peak_keep())
                                 : at.l2_fixed + Bytes{1};
    if (l2 < needed) {
      throw UserError("/platform/l2/size",
                      "is " + std::to_string(l2.raw()) + ", and with parameters at home there " +
                          std::to_string(needed.raw()) + " bytes are needed" +
                          (budget_ ? " besides the task list" : " for these and the task list"),
                      "give more, or /workload/home extmem");
    }
  }

  /// Refuses a budget that L2 has no room for, before anything is searched for. Not of sqrt, whose
  /// step may take less than its slots say.
  void check_room_behind(const StepAtHome& at) const {
    const Bytes l2 = config_.platform.l2.size, fixed = compiler::least_l2_fixed();
    const Bytes needed = std::min(*budget_, at.of.problem.peak_keep()) + fixed;
    if (config_.schedule.policy != Policy::kSqrt && l2 < needed) {
      throw UserError(
          "/platform/l2/size",
          "is " + std::to_string(l2.raw()) + ", and the budget of " +
              std::to_string(budget_->raw()) + " bytes needs " + std::to_string(needed.raw()) +
              " with the runtime and the task list",
          l2 > fixed ? "give as much, or a budget of at most " + std::to_string((l2 - fixed).raw())
                     : "give as much");
    }
  }

  /// Refuses a file that was made with parameters at the other home.
  void check_home_of_file(const StepAtHome& at) const {
    const bool near = at.home == Home::kL2;
    const StepAtHome other = near ? in_hyperram(model_) : in_l2(model_, true);
    if (!is_of_file(at.of.problem, config_) && is_of_file(other.of.problem, config_)) {
      throw UserError("/workload/home",
                      std::string("contradicts /schedule/file, which was made with parameters at "
                                  "home in ") +
                          (near ? "HyperRAM" : "L2"),
                      std::string("give \"") + (near ? "extmem" : "l2") + "\", or make a schedule");
    }
  }

  void take(CarriedOut done, StepAnswer& found) const {
    found.program = std::move(done.program);
    found.predicted = done.predicted;
    found.answer = std::move(done.answer);
    found.solved = done.solved;
    if (found.answer.timed_out) {
      found.warnings.push_back(
          "the search for a schedule ended at its time limit: another run may find another one");
    }
    if (done.solved > 1) {
      found.warnings.push_back("the schedule was solved " + std::to_string(done.solved) +
                               " times, until what its program takes was within the limits");
    }
  }

  double seconds_of(const Prediction& predicted) const {
    return static_cast<double>(predicted.cycles.raw()) / config_.platform.cluster.clock_hz;
  }

  /// Whether a program is predicted to miss the deadline; the answer then says which would do.
  bool is_late(const Prediction& predicted, StepAnswer& found) const {
    const double seconds = seconds_of(predicted);
    const bool late = seconds > found.request.limits.deadline_s.value_or(seconds);
    if (late) {
      const compiler::Replay& replay = found.answer.replay;
      found.answer.status = ScheduleAnswer::Status::kInfeasible;
      found.answer.needs = {found.at.of.problem.slots[replay.peak_slot].name, replay.peak, seconds};
    }
    return late;
  }

  StepAnswer answered(const StepAtHome& at, Bytes budget) const {
    StepAnswer found{at, request_at(at, budget), {}, {}, {}, 1, {}};
    found.answer = compiler::ask_policy(config_.schedule.policy, at.of.problem, found.request);
    if (config_.schedule.policy == Policy::kSqrt) {
      take_segments(found);
    } else if (holds(found.answer)) {
      CarriedOut done =
          carry_out(training_, config_, model_, at, found.request, std::move(found.answer));
      found.answer = std::move(done.answer);
      if (!is_late(done.predicted, found)) {
        done.answer = std::move(found.answer);
        take(std::move(done), found);
      }
    }
    return found;
  }

  /// sqrt has no windows for what is at home in HyperRAM: that comes and goes as it does in a step
  /// without a schedule, which may take less than whole slots say.
  void take_segments(StepAnswer& found) const {
    if (!found.answer.replay.ok) {
      return;
    }
    try {
      CarriedOut done = carry_out_segments(training_, config_, model_, found.at,
                                           *found.request.limits.budget, found.answer);
      if (!is_late(done.predicted, found)) {
        done.answer.status = ScheduleAnswer::Status::kFeasible;
        take(std::move(done), found);
      }
    } catch (const UserError&) {
      if (found.answer.found()) {
        throw;
      }
    }
  }

  /// Of a program that keeps everything.
  StepAnswer kept(StepAtHome at, Program program) const {
    StepAnswer found{std::move(at), {}, {}, {}, {}, 1, {}};
    found.request = request_at(found.at, budget_.value_or(behind(program.memory.l2_fixed)));
    found.answer = compiler::keep_everything(found.at.of.problem, found.request);
    found.predicted = prediction_of(model_, config_, program);
    if (is_late(found.predicted, found)) {
      return found;
    }
    if (!found.answer.found()) {
      found.answer.status = ScheduleAnswer::Status::kFeasible;  // its program is
    }
    found.program = std::move(program);
    return found;
  }

  /// `keep` without a budget: no schedule is needed.
  StepAnswer as_it_is() const {
    const Home home = config_.workload.home;
    compiler::LowerOptions options{config_.schedule, home, config_.tiling, config_.train.precision};
    options.home_apart = home == Home::kL2;
    Program program = compiler::lower_step(training_, config_.platform, options);
    return kept(program.home_extmem ? in_hyperram(model_) : in_l2(model_, options.home_apart),
                std::move(program));
  }

  /// The step that keeps everything and has its parameters at home in L2, where that is allowed and
  /// fits: no schedule takes less energy or time. Nothing where memory itself is to be saved, or
  /// where the deadline is shorter still, or of sqrt, which knows no limits.
  std::optional<StepAnswer> all_in_l2() const {
    if (config_.workload.home != Home::kAuto || config_.schedule.policy == Policy::kSqrt ||
        config_.schedule.objective == ScheduleConfig::Objective::kPeak) {
      return std::nullopt;
    }
    const StepAtHome at = in_l2(model_, false);
    compiler::LowerOptions options = options_at(at, config_);
    options.budget = budget_;
    try {
      StepAnswer found = kept(
          at, compiler::lower_step(training_, config_.platform, options, compiler::KeepPolicy()));
      if (!found.program) {
        return std::nullopt;
      }
      found.warnings.push_back("everything fits at home in L2: nothing is moved or made again");
      return found;
    } catch (const UserError&) {
      return std::nullopt;
    }
  }

  /// sqrt with parameters in L2, where they have room.
  std::optional<StepAnswer> sqrt_in_l2() const {
    const StepAtHome at = in_l2(model_, false);
    try {
      StepAnswer found = answered(at, budget_.value_or(behind(at.l2_fixed)));
      return found.program ? std::optional(std::move(found)) : std::nullopt;
    } catch (const UserError&) {
      return std::nullopt;
    }
  }

  const TrainingGraph& training_;
  const RootConfig& config_;
  const StepModel& model_;
  const AnswerOptions& options_;
  std::optional<Bytes> budget_;
};

}  // namespace

StepAnswer answer_step(const TrainingGraph& training, const RootConfig& config,
                       const StepModel& model, const AnswerOptions& options) {
  Answering answering(training, config, model, options);
  StepAnswer found = config.schedule.file.empty() ? answering.run() : answering.from_file();
  const auto least = static_cast<std::uint64_t>(L2Config::kSize.min);
  if (const auto budget = found.request.limits.budget; found.program && budget &&
                                                       config.schedule.budget != 0 &&
                                                       (*budget + found.l2_fixed()).raw() < least) {
    found.warnings.push_back("the budget and l2_fixed are " +
                             std::to_string((*budget + found.l2_fixed()).raw()) +
                             " bytes together, and no L2 is smaller than " + std::to_string(least) +
                             ": give that as /platform/l2/size; objects take the budget all the "
                             "same");
  }
  return found;
}

StepAnswer ask_step(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
                    const AnswerOptions& options) {
  return Answering(training, config, model, options).ask();
}

}  // namespace etude::run
