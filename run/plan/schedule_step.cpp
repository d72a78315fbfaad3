// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_step.h"

#include <algorithm>
#include <cmath>

#include "compiler/lower/place_step.h"
#include "compiler/schedule/policies.h"
#include "compiler/schedule/schedule_file.h"
#include "models/base/error.h"
#include "run/plan/flash_pages.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/schedule_home.h"
#include "run/plan/schedule_instance.h"
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
    if (!question.device.empty()) {
      asked.warnings.push_back("the workload of " + question.config +
                               " is not used: " + question.device + " has the graph");
    }
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

Json names(const ScheduleProblem& problem, const std::vector<compiler::StorageId>& list) {
  Json texts = Json::array();
  for (const compiler::StorageId i : list) {
    texts.push_back(problem.tensors[i].name);
  }
  return texts;
}

/// `config`: null if there is none.
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
    json["energy_j"] = answer.replay.energy_j;
    json["time_s"] = answer.replay.time_s;
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
  json["notes"] = answer.notes;
  return json;
}

}  // namespace

namespace {

/// Options that search for a schedule say nothing where a file holds one.
void check_file_alone(const ScheduleQuestion& question) {
  if (question.policy || question.objective || question.page_to || question.budget ||
      question.deadline || question.time_limit || question.compare || !question.out.empty() ||
      !question.device.empty()) {
    throw UserError("/schedule/file", "is a schedule already: there is nothing to search for",
                    "leave it out, or give the configuration alone");
  }
}

/// Adds what the file is, if one was asked for and there is a schedule.
void write_out(const ScheduleQuestion& question, const Asked& asked, const ScheduleProblem& problem,
               const ScheduleAnswer& answer, const RootConfig* config, Json& all) {
  if (question.out.empty() || !answer.found()) {
    return;
  }
  compiler::ScheduleFile file{
      asked.policy, asked.objective, {}, asked.request.limits.budget, answer.schedule};
  if (config != nullptr && question.device.empty()) {
    file.page_to = config->schedule.page_to;
  }
  const auto bytes = compiler::write_schedule(problem, file);
  write_schedule_file(question.out, bytes);
  all["file"] = {{"bytes", bytes.size()},
                 {"sha256", content_hash(std::string(bytes.begin(), bytes.end()))}};
}

}  // namespace

Json schedule_step(const ScheduleQuestion& question) {
  check_positive(question.budget, "--budget");
  check_positive(question.deadline, "--deadline");
  std::vector<std::string> warnings;
  std::optional<RootConfig> config;
  if (!question.config.empty()) {
    config = load_config(question.config, question.sets, warnings);
    if (!config->schedule.file.empty()) {
      check_file_alone(question);
      take_schedule_file(*config);
    }
  }
  if (question.page_to) {
    if (!question.device.empty() || !config) {
      throw UserError("--page-to", "is of a configuration: a graph has its own costs of pages",
                      "leave it out");
    }
    config->schedule.page_to = named(schedule_page_to(), *question.page_to, "--page-to");
  }
  if (question.compare && !question.out.empty()) {
    throw UserError("--out", "has room for one schedule", "leave out --compare");
  }
  StepModel model;
  ScheduleProblem& problem = model.step.problem;
  std::optional<Bytes> l2_fixed, room;
  if (!question.device.empty()) {
    problem = read_schedule_instance(read_json_file(question.device), question.device);
  } else if (config) {
    model = model_step(build_workload(*config).training, *config);
    l2_fixed = std::max(model.l2_fixed, compiler::least_l2_fixed());
    const Bytes l2 = config->platform.l2.size;
    room = l2 > *l2_fixed ? l2 - *l2_fixed : Bytes{1};
    problem = problem_at_home(model, *config, objective_in(question, &*config),
                              budget_in(question, &*config), *room);
  } else {
    throw UserError("schedule", "has nothing to schedule",
                    "give a configuration, or a graph with its costs: --device FILE");
  }
  const RootConfig* root = config ? &*config : nullptr;
  Asked asked = resolve(question, root, problem, room);
  asked.warnings.insert(asked.warnings.begin(), warnings.begin(), warnings.end());
  Json all;
  const RootConfig* priced = question.device.empty() ? root : nullptr;
  if (root != nullptr && !root->schedule.file.empty()) {
    all = to_json(root->schedule.policy, asked, problem, answer_of_file(model, *root), priced);
  } else if (question.compare) {
    all["policies"] = Json::array();
    for (const auto& [word, policy] : schedule_policies()) {
      const ScheduleAnswer answer = compiler::ask_policy(policy, problem, asked.request);
      all["policies"].push_back(to_json(policy, asked, problem, answer, priced));
    }
  } else {
    const ScheduleAnswer answer = compiler::ask_policy(asked.policy, problem, asked.request);
    all = to_json(asked.policy, asked, problem, answer, priced);
    write_out(question, asked, problem, answer, priced, all);
  }
  if (all.contains("wear")) {
    if (const auto warning = wear_warning(all.at("wear"))) {
      asked.warnings.push_back(*warning);
    }
  }
  if (l2_fixed) {
    all["l2_fixed"] = l2_fixed->raw();
  }
  all["warnings"] = asked.warnings;
  return all;
}

}  // namespace etude::run
