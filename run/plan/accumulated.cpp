// SPDX-License-Identifier: Apache-2.0
#include "run/plan/accumulated.h"

#include <algorithm>

#include "compiler/schedule/optimal.h"
#include "models/base/error.h"
#include "run/plan/step_model.h"
#include "run/plan/workload.h"

namespace etude::run {
namespace {
using compiler::ScheduleAnswer;
using compiler::ScheduleRequest;

/// One pass of so many; energy and time of all of them.
Accumulated passes(compiler::ScheduleProblem problem, unsigned parts, ScheduleRequest request) {
  request.rules = compiler::CandidateRules::usual(problem);
  if (request.limits.deadline_s) {
    *request.limits.deadline_s /= parts;
  }
  Accumulated made{parts, true, compiler::keep_everything(problem, request), {}};
  if (!compiler::within(made.answer.replay, request.limits)) {
    made.keeps = false;
    made.answer = compiler::solve_optimal(problem, request);
  } else {
    made.answer.status = ScheduleAnswer::Status::kFeasible;
  }
  made.answer.replay.energy_j *= parts;
  made.answer.replay.time_s *= parts;
  made.answer.bound.reset();
  made.problem = std::move(problem);
  return made;
}

ScheduleAnswer refused(const std::string& note) {
  ScheduleAnswer answer;
  answer.status = ScheduleAnswer::Status::kInfeasible;
  answer.notes.push_back(note);
  return answer;
}

}  // namespace

RootConfig pass_of(RootConfig config, unsigned parts) {
  config.workload.batch /= parts;
  config.train.accumulate *= parts;
  return config;
}

BatchParts parts_of(const RootConfig& config, const StepMeter& meter) {
  if (!config.workload.onnx.empty()) {
    return {};  // a file may fix its batch
  }
  return {config.workload.batch, [config, meter](unsigned parts) {
            const RootConfig pass = pass_of(config, parts);
            const StepModel model = model_step(build_workload(pass).training, pass, meter);
            const bool near = pass.workload.home == WorkloadConfig::Home::kL2;
            return near ? model.at_home_in_l2.problem : model.step.problem;
          }};
}

Accumulated accumulate_gradients(const BatchParts& of, const compiler::ScheduleProblem& whole,
                                 const ScheduleRequest& request) {
  Accumulated best;
  if (!of.pass || of.batch <= 1) {
    best.answer = refused(of.batch == 1 ? "a batch of one sample cannot be split"
                                        : "the graph has no batch that could be split");
    return best;
  }
  double solve_s = 0;
  for (unsigned parts = 2; parts <= of.batch; ++parts) {
    if (of.batch % parts != 0) {
      continue;
    }
    Accumulated next;
    try {
      next = passes(of.pass(parts), parts, request);
    } catch (const UserError& error) {  // an optimiser that cannot accumulate
      best.answer = refused(error.what());
      return best;
    }
    solve_s += next.answer.solve_s;
    const bool better =
        next.answer.found() &&
        (best.parts == 1 || compiler::cost_of(next.answer.replay, request.objective) <
                                compiler::cost_of(best.answer.replay, request.objective));
    const bool stop = next.answer.found() && next.keeps;
    if (better) {
      best = std::move(next);
    }
    if (stop) {
      break;
    }
  }
  if (best.parts == 1) {
    best.answer = refused("no pass over an equal part of the batch fits");
  } else {
    const ScheduleAnswer kept = compiler::keep_everything(whole, request);
    best.answer.overhead = compiler::cost_of(best.answer.replay, request.objective) -
                           compiler::cost_of(kept.replay, request.objective);
  }
  best.answer.solve_s = solve_s;
  return best;
}

}  // namespace etude::run
