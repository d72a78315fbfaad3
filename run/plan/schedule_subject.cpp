// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_subject.h"

#include <algorithm>

#include "models/base/error.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/schedule_instance.h"
#include "run/plan/workload.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "sim/config/schedule_words.h"

namespace etude::run {
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

void take_words(const ScheduleQuestion& question, RootConfig& config) {
  if (!config.schedule.file.empty()) {
    check_file_alone(question);
    take_schedule_file(config);
  }
  ScheduleConfig& schedule = config.schedule;
  if (question.page_to) {
    schedule.page_to = named(schedule_page_to(), *question.page_to, "--page-to");
  }
  if (question.objective) {
    schedule.objective = named(schedule_objectives(), *question.objective, "--objective");
  }
  if (question.policy) {
    schedule.policy = named(schedule_policies(), *question.policy, "--policy");
  } else if (schedule.policy == ScheduleConfig::Policy::kKeep && schedule.file.empty()) {
    schedule.policy = ScheduleConfig::Policy::kOptimal;  // keep needs no schedule
  }
  schedule.budget = question.budget.value_or(schedule.budget);
  schedule.deadline = question.deadline.value_or(schedule.deadline);
}

void on_own_platform(const ScheduleQuestion& question, ScheduleSubject& subject) {
  const RootConfig& config = *subject.config;
  // A budget with parameters at home in L2 says how large that has to be.
  RootConfig roomy = config;
  if (config.workload.home == WorkloadConfig::Home::kL2 && config.schedule.budget != 0) {
    roomy.platform.l2.size = std::max(config.platform.l2.size, kLargestL2);
  }
  Workload workload = build_workload(roomy);
  StepModel model = model_step(workload.training, config, question.meter);
  subject.parts = parts_of(config, question.meter);
  subject.picture = PictureNames(workload.training.graph);
  subject.own = OwnStep{std::move(workload.training), std::move(model)};
}

}  // namespace

ScheduleSubject schedule_subject(const ScheduleQuestion& question) {
  if (question.device.empty() && question.config.empty()) {
    throw UserError("schedule", "has nothing to schedule",
                    "give a configuration, or a graph with its costs: --device FILE");
  }
  if (question.page_to && (!question.device.empty() || question.config.empty())) {
    throw UserError("--page-to", "is of a configuration: a graph has its own costs of pages",
                    "leave it out");
  }
  ScheduleSubject subject;
  subject.table = table_subject(question);
  if (subject.table) {
    subject.problem = subject.table->problem;
    subject.config = subject.table->config;
    subject.parts = subject.table->parts;
    subject.warnings = subject.table->warnings;
    return subject;
  }
  if (!question.config.empty()) {
    subject.config = load_config(question.config, sets_of(question), subject.warnings);
    take_words(question, *subject.config);
  }
  if (question.device.empty()) {
    on_own_platform(question, subject);
    return subject;
  }
  subject.problem = read_schedule_instance(read_json_file(question.device), question.device);
  if (subject.config) {
    subject.warnings.push_back("the workload of " + question.config +
                               " is not used: " + question.device + " has the graph");
  }
  return subject;
}

}  // namespace etude::run
