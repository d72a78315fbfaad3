// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run_model.h"

#include "run/execute/meter.h"
#include "run/plan/model_session.h"

namespace etude::run {

Result run_model(RootConfig& config, const ExecuteOptions& options) {
  ModelSession session(lone_database_file(), measure_message);
  Result result;
  result.json = session.result(config, options.warnings,
                               options.began.value_or(std::chrono::steady_clock::now()));
  return result;
}

}  // namespace etude::run
