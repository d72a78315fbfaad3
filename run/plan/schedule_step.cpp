// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_step.h"

#include <algorithm>
#include <cmath>

#include "compiler/schedule/policies.h"
#include "compiler/schedule/schedule_file.h"
#include "models/base/error.h"
#include "run/plan/accumulated.h"
#include "run/plan/exact_l2.h"
#include "run/plan/flash_pages.h"
#include "run/plan/schedule_clock.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/schedule_picture.h"
#include "run/plan/schedule_subject.h"
#include "run/plan/split_batch.h"
#include "run/plan/step_answer.h"
#include "run/plan/table_subject.h"
#include "run/plan/whole_file.h"
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
};

/// Of a search. Errors: UserError for what is no time.
void check_time_limit(const std::optional<double>& seconds) {
  if (seconds && !(*seconds >= 0 && *seconds <= kMostSeconds)) {
    throw UserError("--time-limit", Json(*seconds).dump() + " is no time",
                    "give 0 (heuristics alone) to 1e6 seconds");
  }
}

/// Of a graph with its costs. `config`: null if there is none; keep is no choice there.
Asked resolve(const ScheduleQuestion& question, const RootConfig* config,
              const ScheduleProblem& problem) {
  const ScheduleConfig schedule = config != nullptr ? config->schedule : ScheduleConfig{};
  Asked asked;
  asked.policy = schedule.policy == Policy::kKeep ? Policy::kOptimal : schedule.policy;
  if (question.policy) {
    asked.policy = named(schedule_policies(), *question.policy, "--policy");
  }
  asked.objective = schedule.objective;
  if (question.objective) {
    asked.objective = named(schedule_objectives(), *question.objective, "--objective");
  }
  ScheduleRequest& request = asked.request;
  request.rules = compiler::CandidateRules::usual(problem);
  request.objective = objective_of(asked.objective);
  if (question.time_limit) {
    request.time_limit_s = request.nominal_limit_s = *question.time_limit;
  }
  if (question.budget) {
    request.limits.budget = budget_of(*question.budget, problem, "--budget");
  } else if (schedule.budget != 0) {
    request.limits.budget = budget_of(schedule.budget, problem, "/schedule/budget");
  }
  request.limits.deadline_s = question.deadline;
  if (!question.deadline && schedule.deadline != 0) {
    request.limits.deadline_s = schedule.deadline;
  }
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
    if (answer.carried) {  // by the same clock
      json["replay"]["energy_j"] = answer.replay.energy_j;
      json["replay"]["time_s"] = answer.replay.time_s;
    }
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
Json compare(const ScheduleProblem& problem, const BatchParts& parts, const Asked& asked,
             const RootConfig* priced) {
  Json rows = Json::array();
  for (const Policy policy : {Policy::kKeep, Policy::kSqrt, Policy::kCheckmate, Policy::kPage,
                              Policy::kCapuchin, Policy::kPofo, Policy::kPoet}) {
    const ScheduleAnswer answer = compiler::ask_policy(policy, problem, asked.request);
    rows.push_back(to_json(policy, asked, problem, answer, priced));
  }
  const Accumulated best = accumulate_gradients(parts, problem, asked.request);
  Json row = to_json(Policy::kKeep, asked, best.problem, best.answer, priced);
  row["policy"] = "accumulate";
  row["peak_keep"] = problem.peak_keep().raw();  // of the whole batch, as in other rows
  if (best.parts > 1) {
    row["accumulate"] = best.parts;
    row["pass_policy"] = best.keeps ? "keep" : "optimal";
  }
  rows.push_back(row);
  const ScheduleAnswer ours = compiler::ask_policy(Policy::kOptimal, problem, asked.request);
  rows.push_back(to_json(Policy::kOptimal, asked, problem, ours, priced));
  return rows;
}

/// Adds what the file is, if one was asked for and there is a schedule, and returns its bytes.
std::string schedule_file(const ScheduleQuestion& question, const Asked& asked,
                          const ScheduleProblem& problem, const ScheduleAnswer& answer,
                          const RootConfig* config, Json& all) {
  if (question.out.empty() || !answer.found()) {
    return "";
  }
  compiler::ScheduleFile file{
      asked.policy, asked.objective, {}, asked.request.limits.budget, answer.schedule};
  if (config != nullptr) {
    file.page_to = config->schedule.page_to;
  }
  const auto written = compiler::write_schedule(problem, file);
  std::string bytes(written.begin(), written.end());
  all["file"] = {{"bytes", bytes.size()}, {"sha256", content_hash(bytes)}};
  return bytes;
}

/// What the answer's step takes is what its program is predicted to take.
void add_prediction(const Prediction& predicted, const RootConfig& config, Json& answer) {
  answer["energy_j"] = predicted.joules;
  answer["time_s"] = static_cast<double>(predicted.cycles.raw()) / config.platform.cluster.clock_hz;
  const unsigned passes = config.train.accumulate;
  answer["predicted"] = {{"cycles", predicted.cycles.raw() * passes},
                         {"energy_j", predicted.joules * passes}};
}

/// Of a step on its own platform: what a run carries out, or every policy.
Json own_step(const ScheduleQuestion& question, ScheduleSubject& subject,
              std::vector<std::string>& warnings, std::string& file) {
  const OwnStep& own = *subject.own;
  RootConfig& config = *subject.config;
  const AnswerOptions options{question.time_limit,
                              question.budget ? "--budget" : "/schedule/budget"};
  Asked asked{config.schedule.policy, config.schedule.objective, {}};
  Json all;
  if (question.compare) {
    const StepAnswer begin = ask_step(own.training, config, own.model, options);
    asked.request = begin.request;
    asked.request.clock =
        clock_of(own.training, config, own.model, begin.at, begin.request.limits.budget);
    all["policies"] = compare(begin.at.of.problem, subject.parts, asked, &config);
    all["l2_fixed"] = begin.l2_fixed().raw();
    return all;
  }
  StepAnswer found;
  std::unique_ptr<SplitBatch> split;
  try {
    found = answer_in_some_l2(own.training, config, own.model, options);
    split = found.program ? nullptr : split_batch(config, question.meter, options);
  } catch (const UserError&) {
    split = split_batch(config, question.meter, options);
    if (!split) {
      throw;
    }
  }
  if (split) {
    config = split->config;
    found = std::move(split->found);
    found.warnings.push_back(split->warning);
    subject.picture = PictureNames(split->own.training.graph);
  }
  const ScheduleProblem& problem = found.at.of.problem;
  if (found.program && !found.answer.carried) {
    const double cycles = static_cast<double>(found.predicted.cycles.raw());
    compiler::set_carried(
        problem, {cycles / config.platform.cluster.clock_hz, found.predicted.joules}, found.answer);
  }
  asked.request = found.request;
  all = to_json(asked.policy, asked, problem, found.answer, &config);
  if (split) {
    all["accumulate"] = config.train.accumulate;
    all["batch"] = config.workload.batch;
  }
  if (found.program) {
    add_prediction(found.predicted, config, all);
    if (found.request.limits.budget && found.answer.replay.peak > *found.request.limits.budget) {
      // Lowered, it takes less than whole slots say.
      const MemoryFigures& memory = found.program->memory;
      all["peak_bytes"] = all["replay"]["peak_bytes"] = (memory.l2_peak - memory.l2_fixed).raw();
    }
  }
  add_picture(all, problem, found.answer.schedule, found.answer.replay, subject.picture);
  file = schedule_file(question, asked, problem, found.answer, &config, all);
  all["l2_fixed"] = found.l2_fixed().raw();
  for (const auto& more :
       {found.program ? found.program->warnings : std::vector<std::string>{}, found.warnings}) {
    warnings.insert(warnings.end(), more.begin(), more.end());
  }
  return all;
}

/// Nothing is larger than the memory of a device whose table says what it has. Errors: UserError.
void keep_within(const TableSubject& table, Asked& asked) {
  std::optional<Bytes>& budget = asked.request.limits.budget;
  if (table.memory && budget && *budget > *table.memory) {
    throw UserError("--budget", "is " + std::to_string(budget->raw()) + " bytes here",
                    table.device + " has " + std::to_string(table.memory->raw()) +
                        ": give at most so much, or leave it out");
  }
  budget = table.memory && !budget ? table.memory : budget;
}

/// Of a graph with its costs, or a network on a cost table.
Json table_step(const ScheduleQuestion& question, const ScheduleSubject& subject,
                std::string& file) {
  const RootConfig* root = subject.config ? &*subject.config : nullptr;
  const ScheduleProblem& problem = subject.problem;
  Asked asked = resolve(question, root, problem);
  if (subject.table) {
    keep_within(*subject.table, asked);
  }
  Json all;
  if (question.compare) {
    all["policies"] = compare(problem, subject.parts, asked, nullptr);
  } else {
    const ScheduleAnswer answer = compiler::ask_policy(asked.policy, problem, asked.request);
    all = to_json(asked.policy, asked, problem, answer, nullptr);
    add_picture(all, problem, answer.schedule, answer.replay, subject.picture);
    file = schedule_file(question, asked, problem, answer, nullptr, all);
  }
  if (subject.table) {
    all["device"] = subject.table->device;
    if (subject.table->memory) {
      all["memory_bytes"] = subject.table->memory->raw();
    }
    all["flop"] = subject.table->flop;
  }
  return all;
}

/// Both files, or none.
void write_files(const ScheduleQuestion& question, const std::string& schedule,
                 const std::string& graph) {
  std::optional<WholeFile> first, second;
  if (!schedule.empty()) {
    first.emplace(question.out, schedule, "--out");
  }
  if (!graph.empty()) {
    second.emplace(*question.write_graph, graph, "--write-graph");
  }
  for (auto* each : {&first, &second}) {
    if (*each) {
      (*each)->put();
    }
  }
}

}  // namespace

Json schedule_step(const ScheduleQuestion& question) {
  check_positive(question.budget, "--budget");
  check_positive(question.deadline, "--deadline");
  check_time_limit(question.time_limit);
  if (question.compare && !question.out.empty()) {
    throw UserError("--out", "has room for one schedule", "leave out --compare");
  }
  ScheduleSubject subject = schedule_subject(question);
  std::vector<std::string> warnings = subject.warnings;
  std::string file;
  Json all = subject.own ? own_step(question, subject, warnings, file)
                         : table_step(question, subject, file);
  if (all.contains("wear")) {
    if (const auto warning = wear_warning(all.at("wear"))) {
      warnings.push_back(*warning);
    }
  }
  all["warnings"] = warnings;
  write_files(question, file, graph_file(subject.table, all));
  return all;
}

}  // namespace etude::run
