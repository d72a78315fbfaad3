// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_subject.h"

#include <algorithm>

#include "compiler/lower/place_step.h"
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
  if (question.page_to) {
    config.schedule.page_to = named(schedule_page_to(), *question.page_to, "--page-to");
  }
}

void on_own_platform(const ScheduleQuestion& question, ScheduleSubject& subject) {
  const RootConfig& config = *subject.config;
  Workload workload = build_workload(config);
  StepModel model = model_step(workload.training, config, question.meter);
  subject.problem = model.step.problem;
  subject.parts = parts_of(config, question.meter);
  subject.picture = PictureNames(workload.training.graph);
  subject.l2_fixed = std::max(model.l2_fixed, compiler::least_l2_fixed());
  const Bytes l2 = config.platform.l2.size;
  subject.room = l2 > *subject.l2_fixed ? l2 - *subject.l2_fixed : Bytes{1};
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
