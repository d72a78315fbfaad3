// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run.h"

#include <utility>

#include "models/base/error.h"
#include "run/execute/job.h"
#include "run/execute/l2_peak.h"
#include "run/execute/l2_stays.h"
#include "run/execute/observer.h"
#include "run/execute/run_check.h"
#include "run/execute/run_timeline.h"
#include "run/plan/passes.h"
#include "sim/config/changed_keys.h"
#include "sim/engine/run.h"
#include "sim/report/result.h"

namespace etude::run {

Run::Run(RootConfig config) : plan_(std::move(config), measure_pass) {
  if (plan_.config().run.tier != RunConfig::Tier::kCycle) {
    throw UserError("/run/tier", "\"model\" is not available where a step is simulated",
                    "give \"cycle\", or use run_model()");
  }
}

Result Run::execute(const ExecuteOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = options.began.value_or(Clock::now());
  Observer observer(plan_, options);
  Job job = make_job(plan_);
  observer.attach(job);
  const RunConfig& run = config().run;
  Result result;
  EngineOptions engine;
  engine.lockstep = run.engine == RunConfig::Engine::kLockstep;
  engine.max_cycles = run.max_cycles;
  if (run.trace) {
    engine.timeline = &result.timeline.emplace();
    engine.timeline->stalls = true;
  }
  std::optional<RunCheck> check;
  if (run.check) {
    engine.watch = &check.emplace(plan_, job, options.check_file).watch();
    engine.account_of_failure = true;  // what was found may explain it
  }
  result.record = run_job(config().platform, job, engine);
  if (check) {
    result.findings = check->finish();
    if (!result.record.error.empty()) {
      throw ProgramError(result.findings.text + result.record.error);
    }
  }
  RunRecord& record = result.record;
  result.diverged = observer.training().diverged;
  const std::size_t passes =
      result.diverged == 0 ? job.steps : std::size_t{result.diverged} * plan_.passes_per_step();
  if (record.exit_status != 0 || record.steps.size() != passes) {
    throw ProgramError("the runtime ended with status " + std::to_string(record.exit_status) +
                       " after " + std::to_string(record.steps.size()) + " of " +
                       std::to_string(passes) + " passes");
  }
  check_ = observer.facts();
  if (result.timeline) {
    complete_timeline(plan_, record, *result.timeline);
  }
  record.steps = join_passes(std::move(record.steps), plan_.passes_per_step());
  RunFacts facts = plan_.facts();
  facts.memory.l2_peak = within_plan(record.l2_touched, facts.memory.l2_peak);
  facts.warnings.insert(facts.warnings.begin(), options.warnings.begin(), options.warnings.end());
  const double wall = std::chrono::duration<double>(Clock::now() - began).count();
  result.json =
      make_result(config(), facts, record, observer.training(), check_, {wall, ETUDE_VERSION});
  result.json["simulator"]["changed"] = changed_keys(config());
  result.json["l2"] = l2_stays(plan_.program(), record.steps.back());
  result.outputs = observer.outputs();
  result.saved = observer.saved();
  return result;
}

}  // namespace etude::run
