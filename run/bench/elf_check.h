// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/bench/elf.h"
#include "sim/check/checker.h"

namespace etude::run {

/// The checker of a bare program, and the file that it leaves.
class ProgramCheck {
 public:
  /// Finds out before the run whether the file can be written. Both outlive the object.
  /// Errors: UserError.
  ProgramCheck(const ElfFile& elf, const ElfRequest& request);

  check::Checker& checker() { return checker_; }
  /// Puts what was found into `result`, and into the file; if that fails, why.
  void finish(ProgramResult& result);

 private:
  const ElfRequest& request_;
  ProgramMap map_;
  check::Checker checker_;
};

}  // namespace etude::run
