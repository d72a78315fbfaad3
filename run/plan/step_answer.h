// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/plan/carried_out.h"

namespace etude::run {

/// What the policy of a configuration, or its /schedule/file, does to the step, and the program
/// that does it.
struct StepAnswer {
  StepAtHome at;                      ///< what the answer's problem is
  compiler::ScheduleRequest request;  ///< what was asked; with a budget
  compiler::ScheduleAnswer answer;
  std::optional<Program> program;  ///< nothing where there is no schedule
  Prediction predicted;            ///< of the program
  unsigned solved = 1;             ///< times that the problem was solved
  std::vector<std::string> warnings;
  std::optional<Bytes> l2_size = {};  ///< of the L2 that it was found for, if not the platform's

  /// Bytes of L2 below the objects that the budget is for: in an L2 of both the same question has
  /// an answer that runs.
  Bytes l2_fixed() const {
    if (l2_size) {
      return *l2_size - *request.limits.budget;
    }
    if (!program) {
      return at.l2_fixed;
    }
    const Bytes enough = program->memory.l2_enough;
    return enough > *request.limits.budget ? enough - *request.limits.budget
                                           : program->memory.l2_fixed;
  }
};

/// How a question was put, besides its configuration.
struct AnswerOptions {
  std::optional<double> time_limit_s = {};      ///< of a search
  std::string budget_key = "/schedule/budget";  ///< that errors name
  /// What searches found, for the same question in another L2.
  std::shared_ptr<compiler::SolveMemory> memory = {};
};

/// The one place where the schedule of a configuration is decided, for `etude-sim schedule` and for
/// runs: where parameters are at home (/workload/home auto: in L2 if everything is kept there
/// within the budget, else in HyperRAM), what the budget is (without one: what L2 leaves, with the
/// task list at home in HyperRAM if nothing fits otherwise), the policy's answer and its program.
/// Errors: UserError as lower_step(), for a budget that L2 cannot give beside parameters at home
/// there, and as answer_of_file().
StepAnswer answer_step(const TrainingGraph& training, const RootConfig& config,
                       const StepModel& model, const AnswerOptions& options = {});

/// The request that answer_step() begins with, and where parameters are at home then, without a
/// search. Errors: the same.
StepAnswer ask_step(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
                    const AnswerOptions& options = {});

}  // namespace etude::run
