// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_step.h"

#include <algorithm>
#include <cmath>

#include "compiler/schedule/policies.h"
#include "models/base/error.h"
#include "run/plan/schedule_instance.h"
#include "run/plan/scheduled_program.h"
#include "run/plan/step_model.h"
#include "run/plan/workload.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "sim/config/schedule_words.h"

namespace etude::run {
namespace {
using compiler::ScheduleAnswer;
using compiler::ScheduleProblem;
using compiler::ScheduleRequest;
using Json = nlohmann::ordered_json;
using Policy = ScheduleConfig::Policy;

constexpr double kMostSeconds = 1e6;  ///< of a time limit

/// The value of a word, or a refusal that lists all of them.
template <class Value>
Value named(const std::vector<std::pair<std::string, Value>>& words, const std::string& word,
            const std::string& where) {
  std::string all;
  for (const auto& [name, value] : words) {
    if (name == word) {
      return value;
    }
    all += (all.empty() ? "" : ", ") + name;
  }
  throw UserError(where, "'" + word + "' is unknown here", "give one of " + all);
}

template <class Value>
std::string name_of(const std::vector<std::pair<std::string, Value>>& words, Value value) {
  return std::ranges::find(words, value, &std::pair<std::string, Value>::second)->first;
}

void check_positive(const std::optional<double>& value, const std::string& where) {
  if (value && !(*value > 0 && std::isfinite(*value))) {
    throw UserError(where, Json(*value).dump() + " is no budget of a step",
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

/// `config`: null if there is none. `room`: the budget if none is given.
Asked resolve(const ScheduleQuestion& question, const RootConfig* config,
              const ScheduleProblem& problem, std::optional<Bytes> room) {
  Asked asked;
  std::optional<double> budget = question.budget, deadline = question.deadline;
  if (config != nullptr) {
    const ScheduleConfig& schedule = config->schedule;
    if (!question.device.empty()) {
      asked.warnings.push_back("the workload of " + question.config +
                               " is not used: " + question.device + " has the graph");
    }
    asked.objective = schedule.objective;
    if (schedule.policy != Policy::kKeep) {
      asked.policy = schedule.policy;
      if (!budget && schedule.budget != 0) {
        budget = schedule.budget;
      }
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
  request.objective = objective_of(asked.objective);
  if (question.time_limit) {
    if (!(*question.time_limit >= 0 && *question.time_limit <= kMostSeconds)) {
      throw UserError("--time-limit", Json(*question.time_limit).dump() + " is no time",
                      "give 0 (heuristics alone) to 1e6 seconds");
    }
    request.time_limit_s = *question.time_limit;
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

Json names(const ScheduleProblem& problem, const std::vector<compiler::StorageId>& list) {
  Json texts = Json::array();
  for (const compiler::StorageId i : list) {
    texts.push_back(problem.tensors[i].name);
  }
  return texts;
}

Json to_json(Policy policy, const Asked& asked, const ScheduleProblem& problem,
             const ScheduleAnswer& answer) {
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
    const auto gap = answer.gap();
    json["gap"] = gap ? Json(*gap) : Json();
    json["energy_j"] = answer.replay.energy_j;
    json["time_s"] = answer.replay.time_s;
    json["peak_bytes"] = answer.replay.peak.raw();
    json["recomputed"] = names(problem, answer.replay.recomputed);
    json["paged"] = names(problem, answer.replay.paged);
    json["replay"] = {{"ok", answer.replay.ok}, {"peak_bytes", answer.replay.peak.raw()}};
  }
  json["solve_s"] = answer.solve_s;
  if (answer.needs) {
    json["needs"] = {{"operator", answer.needs->operator_name},
                     {"bytes", answer.needs->bytes.raw()}};
    if (answer.needs->deadline_s) {
      json["needs"]["deadline_s"] = *answer.needs->deadline_s;
    }
  }
  json["notes"] = answer.notes;
  return json;
}

/// Whether a run of the policy carries out what it answers to the problem.
bool solves_problem(Policy policy) { return policy != Policy::kKeep && policy != Policy::kSqrt; }

/// Carries an answer out as a run does; `answer` becomes the one that finds its place, `l2_fixed`
/// that of its program. Nothing where none does.
std::optional<Prediction> carried_out(const TrainingGraph& training, const RootConfig& config,
                                      const StepModel& model, const Asked& asked,
                                      ScheduleAnswer& answer, std::optional<Bytes>& l2_fixed) {
  if (!answer.found()) {
    return std::nullopt;
  }
  try {
    CarriedOut done = carry_out(training, config, model, asked.policy, asked.request, answer);
    answer = std::move(done.answer);
    l2_fixed = done.program.memory.l2_fixed;
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
  std::vector<std::string> warnings;
  std::optional<RootConfig> config;
  if (!question.config.empty()) {
    config = load_config(question.config, question.sets, warnings);
  }
  ScheduleProblem problem;
  TrainingGraph training;
  std::optional<StepModel> model;
  std::optional<Bytes> l2_fixed, room;
  if (!question.device.empty()) {
    problem = read_schedule_instance(read_json_file(question.device), question.device);
  } else if (config) {
    training = build_workload(*config).training;
    model = model_step(training, *config, question.meter);
    problem = model->step.problem;
    l2_fixed = model->l2_fixed;
    const Bytes l2 = config->platform.l2.size;
    room = l2 > *l2_fixed ? l2 - *l2_fixed : Bytes{1};
  } else {
    throw UserError("schedule", "has nothing to schedule",
                    "give a configuration, or a graph with its costs: --device FILE");
  }
  Asked asked = resolve(question, config ? &*config : nullptr, problem, room);
  asked.warnings.insert(asked.warnings.begin(), warnings.begin(), warnings.end());
  Json all;
  if (question.compare) {
    all["policies"] = Json::array();
    for (const auto& [word, policy] : schedule_policies()) {
      const ScheduleAnswer answer = compiler::ask_policy(policy, problem, asked.request);
      all["policies"].push_back(to_json(policy, asked, problem, answer));
    }
  } else {
    ScheduleAnswer answer = compiler::ask_policy(asked.policy, problem, asked.request);
    std::optional<Prediction> predicted;
    if (model && solves_problem(asked.policy)) {
      predicted = carried_out(training, *config, *model, asked, answer, l2_fixed);
    }
    all = to_json(asked.policy, asked, problem, answer);
    if (predicted) {
      add_prediction(*predicted, *config, all);
    }
  }
  if (l2_fixed) {
    all["l2_fixed"] = l2_fixed->raw();
  }
  all["warnings"] = asked.warnings;
  return all;
}

}  // namespace etude::run
