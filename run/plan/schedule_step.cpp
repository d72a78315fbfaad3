// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_step.h"

#include <algorithm>
#include <cmath>

#include "compiler/lower/place_step.h"
#include "compiler/schedule/policies.h"
#include "compiler/schedule/schedule_file.h"
#include "models/base/error.h"
#include "run/plan/accumulated.h"
#include "run/plan/flash_pages.h"
#include "run/plan/schedule_clock.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/schedule_home.h"
#include "run/plan/schedule_picture.h"
#include "run/plan/schedule_subject.h"
#include "run/plan/scheduled_program.h"
#include "run/plan/step_model.h"
#include "run/plan/table_subject.h"
#include "sim/config/json_file.h"
#include "sim/config/schedule_words.h"

namespace etude::run {
namespace {
using compiler::ScheduleAnswer;
using compiler::ScheduleProblem;
using compiler::ScheduleRequest;
using Json = nlohmann::ordered_json;
using Policy = ScheduleConfig::Policy;

constexpr double kMostSeconds = 1e6;  ///< of a time limit

template <class Value>
std::string name_of(const std::vector<std::pair<std::string, Value>>& words, Value value) {
  return std::ranges::find(words, value, &std::pair<std::string, Value>::second)->first;
}

void check_positive(const std::optional<double>& value, const std::string& where) {
  if (value && !(*value > 0 && std::isfinite(*value))) {
    throw UserError(where, std::to_string(*value) + " is none of a step",
                    "give a number above 0, or leave it out");
  }
}

/// A question with the defaults filled in.
struct Asked {
  Policy policy = Policy::kOptimal;
  ScheduleConfig::Objective objective = ScheduleConfig::Objective::kEnergy;
  ScheduleRequest request;
  std::vector<std::string> warnings;
};

/// The budget that a question has, else its configuration; `config`: null if there is none.
std::optional<double> budget_in(const ScheduleQuestion& question, const RootConfig* config) {
  if (!question.budget && config != nullptr && config->schedule.policy != Policy::kKeep &&
      config->schedule.budget != 0) {
    return config->schedule.budget;
  }
  return question.budget;
}

compiler::ScheduleObjective objective_in(const ScheduleQuestion& question,
                                         const RootConfig* config) {
  if (question.objective) {
    return objective_of(named(schedule_objectives(), *question.objective, "--objective"));
  }
  return objective_of(config != nullptr ? config->schedule.objective
                                        : ScheduleConfig::Objective::kEnergy);
}

/// `config`: null if there is none. `room`: the budget if none is given.
Asked resolve(const ScheduleQuestion& question, const RootConfig* config,
              const ScheduleProblem& problem, std::optional<Bytes> room) {
  Asked asked;
  const std::optional<double> budget = budget_in(question, config);
  std::optional<double> deadline = question.deadline;
  if (config != nullptr) {
    const ScheduleConfig& schedule = config->schedule;
    asked.objective = schedule.objective;
    if (schedule.policy != Policy::kKeep) {
      asked.policy = schedule.policy;
      if (!deadline && schedule.deadline != 0) {
        deadline = schedule.deadline;
      }
    }
  }
  if (question.policy) {
    asked.policy = named(schedule_policies(), *question.policy, "--policy");
  }
  if (question.objective) {
    asked.objective = named(schedule_objectives(), *question.objective, "--objective");
  }
  ScheduleRequest& request = asked.request;
  request.rules = compiler::CandidateRules::usual(problem);
  request.objective = objective_in(question, config);
  if (question.time_limit) {
    if (!(*question.time_limit >= 0 && *question.time_limit <= kMostSeconds)) {
      throw UserError("--time-limit", Json(*question.time_limit).dump() + " is no time",
                      "give 0 (heuristics alone) to 1e6 seconds");
    }
    request.time_limit_s = request.nominal_limit_s = *question.time_limit;
  }
  if (budget) {
    request.limits.budget =
        budget_of(*budget, problem, question.budget ? "--budget" : "/schedule/budget");
  }
  if (!budget) {
    request.limits.budget = room;
  }
  request.limits.deadline_s = deadline;
  return asked;
}

const char* status_text(ScheduleAnswer::Status status) {
  switch (status) {
    case ScheduleAnswer::Status::kOptimal:
      return "optimal";
    case ScheduleAnswer::Status::kFeasible:
      return "feasible";
    case ScheduleAnswer::Status::kInfeasible:
      return "infeasible";
    case ScheduleAnswer::Status::kUnknown:
      break;
  }
  return "unknown";
}

std::string reason_of(const ScheduleAnswer& answer) {
  if (answer.needs && answer.needs->deadline_s) {
    return "a deadline of " + Json(*answer.needs->deadline_s).dump() + " s would do";
  }
  if (answer.needs) {
    return "operator " + answer.needs->operator_name + " needs " +
           std::to_string(answer.needs->bytes.raw()) + " bytes";
  }
  if (!answer.schedule.slots.empty()) {
    return "takes " + std::to_string(answer.replay.peak.raw()) + " bytes and " +
           Json(answer.replay.time_s).dump() + " s";
  }
  return answer.notes.empty() ? "no schedule was found in time" : answer.notes.front();
}

Json names(const ScheduleProblem& problem, const std::vector<compiler::StorageId>& list) {
  Json texts = Json::array();
  for (const compiler::StorageId i : list) {
    texts.push_back(problem.tensors[i].name);
  }
  return texts;
}

/// `config`: null if the problem is not of a step on its own platform.
Json to_json(Policy policy, const Asked& asked, const ScheduleProblem& problem,
             const ScheduleAnswer& answer, const RootConfig* config) {
  Json json;
  json["policy"] = name_of(schedule_policies(), policy);
  json["status"] = status_text(answer.status);
  json["objective"] = name_of(schedule_objectives(), asked.objective);
  const auto& limits = asked.request.limits;
  json["budget"] = limits.budget ? Json(limits.budget->raw()) : Json();
  json["deadline_s"] = limits.deadline_s ? Json(*limits.deadline_s) : Json();
  json["peak_keep"] = problem.peak_keep().raw();
  if (!answer.schedule.slots.empty()) {
    json["overhead"] = answer.overhead;
    json["bound"] = answer.bound ? Json(*answer.bound) : Json();
    json["cheapest"] = answer.cheapest;
    const auto gap = answer.gap();
    json["gap"] = gap ? Json(*gap) : Json();
    json["energy_j"] = answer.carried ? answer.carried->joules : answer.replay.energy_j;
    json["time_s"] = answer.carried ? answer.carried->seconds : answer.replay.time_s;
    json["peak_bytes"] = answer.replay.peak.raw();
    json["recomputed"] = names(problem, answer.replay.recomputed);
    json["paged"] = names(problem, answer.replay.paged);
    json["replay"] = {{"ok", answer.replay.ok}, {"peak_bytes", answer.replay.peak.raw()}};
    if (config != nullptr && config->schedule.page_to == ScheduleConfig::PageTo::kFlash) {
      json["wear"] = wear_json(flash_use(problem, answer.schedule, config->platform.flash),
                               config->platform.flash, answer.replay.time_s);
    }
  }
  json["solve_s"] = answer.solve_s;
  json["timed_out"] = answer.timed_out;
  if (answer.needs) {
    json["needs"] = {{"operator", answer.needs->operator_name},
                     {"bytes", answer.needs->bytes.raw()}};
    if (answer.needs->deadline_s) {
      json["needs"]["deadline_s"] = *answer.needs->deadline_s;
    }
  }
  if (!answer.found()) {
    json["reason"] = reason_of(answer);
  }
  json["notes"] = answer.notes;
  return json;
}

/// Every policy, in the order in which they give more freedom; what cannot be done is a row with
/// its reason.
Json compare(const ScheduleSubject& subject, const Asked& asked) {
  Json rows = Json::array();
  for (const Policy policy : {Policy::kKeep, Policy::kSqrt, Policy::kCheckmate, Policy::kPage,
                              Policy::kCapuchin, Policy::kPofo, Policy::kPoet}) {
    const ScheduleAnswer answer = compiler::ask_policy(policy, subject.problem, asked.request);
    rows.push_back(to_json(policy, asked, subject.problem, answer, subject.priced()));
  }
  const Accumulated best = accumulate_gradients(subject.parts, subject.problem, asked.request);
  Json row = to_json(Policy::kKeep, asked, best.problem, best.answer, subject.priced());
  row["policy"] = "accumulate";
  row["peak_keep"] = subject.problem.peak_keep().raw();  // of the whole batch, as in other rows
  if (best.parts > 1) {
    row["accumulate"] = best.parts;
    row["pass_policy"] = best.keeps ? "keep" : "optimal";
  }
  rows.push_back(row);
  const ScheduleAnswer ours =
      compiler::ask_policy(Policy::kOptimal, subject.problem, asked.request);
  rows.push_back(to_json(Policy::kOptimal, asked, subject.problem, ours, subject.priced()));
  return rows;
}

/// Adds what the file is, if one was asked for and there is a schedule.
void write_out(const ScheduleQuestion& question, const Asked& asked, const ScheduleProblem& problem,
               const ScheduleAnswer& answer, const RootConfig* config, Json& all) {
  if (question.out.empty() || !answer.found()) {
    return;
  }
  compiler::ScheduleFile file{
      asked.policy, asked.objective, {}, asked.request.limits.budget, answer.schedule};
  if (config != nullptr) {
    file.page_to = config->schedule.page_to;
  }
  const auto bytes = compiler::write_schedule(problem, file);
  write_schedule_file(question.out, bytes);
  all["file"] = {{"bytes", bytes.size()},
                 {"sha256", content_hash(std::string(bytes.begin(), bytes.end()))}};
}

/// Whether a run of the policy carries out what it answers to the problem.
bool solves_problem(Policy policy) { return policy != Policy::kKeep && policy != Policy::kSqrt; }

/// Carries an answer out as a run does; `answer` becomes the one that finds its place, `l2_fixed`
/// that of its program. Nothing where none does.
std::optional<Prediction> carried_out(ScheduleSubject& subject, const Asked& asked,
                                      ScheduleAnswer& answer) {
  if (!answer.found()) {
    return std::nullopt;
  }
  try {
    const OwnStep& own = *subject.own;
    const RootConfig& config = *subject.config;
    CarriedOut done =
        config.schedule.file.empty()
            ? carry_out(own.training, config, own.model, asked.policy, asked.request, answer)
            : carry_out_file(own.training, config, own.model, answer);
    answer = std::move(done.answer);
    subject.l2_fixed = done.program.memory.l2_fixed;
    if (done.solved > 1) {
      answer.notes.push_back("solved " + std::to_string(done.solved) +
                             " times, until what its program takes was within the limits");
    }
    return done.predicted;
  } catch (const UserError& error) {
    answer.notes.push_back(std::string("is not carried out: ") + error.what());
    return std::nullopt;
  }
}

/// What the answer's step takes is what its program is predicted to take; what the problem says of
/// it stands beside its replay.
void add_prediction(const Prediction& predicted, const RootConfig& config, Json& answer) {
  answer["replay"]["energy_j"] = answer.at("energy_j");
  answer["replay"]["time_s"] = answer.at("time_s");
  answer["energy_j"] = predicted.joules;
  answer["time_s"] = static_cast<double>(predicted.cycles.raw()) / config.platform.cluster.clock_hz;
  const unsigned passes = config.train.accumulate;
  answer["predicted"] = {{"cycles", predicted.cycles.raw() * passes},
                         {"energy_j", predicted.joules * passes}};
}

}  // namespace

Json schedule_step(const ScheduleQuestion& question) {
  check_positive(question.budget, "--budget");
  check_positive(question.deadline, "--deadline");
  if (question.compare && !question.out.empty()) {
    throw UserError("--out", "has room for one schedule", "leave out --compare");
  }
  ScheduleSubject subject = schedule_subject(question);
  const RootConfig* root = subject.config ? &*subject.config : nullptr;
  const bool from_file = subject.own && !root->schedule.file.empty();
  if (subject.own && !from_file &&
      home_in_l2(subject.own->model, *root, objective_in(question, root), budget_in(question, root),
                 *subject.room)) {
    subject.own->home_in_l2 = true;
    subject.problem = subject.own->model.at_home_in_l2.problem;
  }
  const ScheduleProblem& problem = subject.problem;
  Asked asked = resolve(question, root, problem, subject.room);
  asked.warnings.insert(asked.warnings.begin(), subject.warnings.begin(), subject.warnings.end());
  if (subject.own && !subject.own->home_in_l2 && (question.compare || is_timed(asked.request))) {
    asked.request.clock =
        clock_of(subject.own->training, *root, subject.own->model, asked.request.limits.budget);
  }
  Json all;
  if (question.compare) {
    all["policies"] = compare(subject, asked);
  } else {
    ScheduleAnswer answer = from_file ? answer_of_file(subject.own->model, *root)
                                      : compiler::ask_policy(asked.policy, problem, asked.request);
    std::optional<Prediction> predicted;
    if (subject.own && !subject.own->home_in_l2 && (from_file || solves_problem(asked.policy))) {
      predicted = carried_out(subject, asked, answer);
    }
    all = to_json(from_file ? root->schedule.policy : asked.policy, asked, problem, answer,
                  subject.priced());
    if (predicted) {
      add_prediction(*predicted, *root, all);
    }
    add_picture(all, problem, answer.schedule, answer.replay, subject.picture);
    write_out(question, asked, problem, answer, subject.priced(), all);
  }
  if (all.contains("wear")) {
    if (const auto warning = wear_warning(all.at("wear"))) {
      asked.warnings.push_back(*warning);
    }
  }
  if (subject.table) {
    all["device"] = subject.table->device;
    all["flop"] = subject.table->flop;
  }
  if (subject.l2_fixed) {
    all["l2_fixed"] = subject.l2_fixed->raw();
  }
  all["warnings"] = asked.warnings;
  return all;
}

}  // namespace etude::run
