// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "run/execute/run.h"
#include "sim/check/checker.h"
#include "sim/engine/job.h"

namespace etude::run {

/// The checker of a training run (docs/check.md): the runtime's accesses, and the task list held to
/// the bytes that its operations declare.
class RunCheck {
 public:
  /// `plan` outlives the object; `job` is what the engine will run. Errors: UserError if the
  /// runtime is not built or `file`, if one is named, cannot be written.
  RunCheck(const Plan& plan, const Job& job, std::string file);

  EngineWatch& watch() { return checker_; }
  /// What was found, which the file has, too; if it cannot be written, why.
  CheckerFindings finish() const;

 private:
  std::string file_;
  ElfFile runtime_;
  ProgramMap map_;
  check::Declared declared_;
  check::Checker checker_;
};

}  // namespace etude::run
