// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "run/bench/elf.h"
#include "sim/trace/timeline.h"

namespace etude::run {

/// The files about a program's run that a request asks for.
class ProgramFiles {
 public:
  /// Makes the folder, and finds out before the run whether the files can be written.
  /// `request` outlives the object. Errors: UserError.
  explicit ProgramFiles(const ElfRequest& request);

  /// True if any file is asked for.
  bool wanted() const;
  /// Writes them: callgrind.out, stacks.txt (collapsed stacks), profile.json; the trace, if there
  /// is a `timeline`. Errors: SystemError.
  void write(const ProgramResult& result, Timeline* timeline) const;

 private:
  const ElfRequest& request_;
};

/// Adds "functions" and "regions" to the account of a program, most cycles first: cycles and busy
/// of all harts together, stalls that are not zero.
void add_profile(const ProgramProfile& profile, nlohmann::ordered_json& out);

}  // namespace etude::run
