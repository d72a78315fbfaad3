// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude::test {

/// Exit status of a suite whose every test case was skipped; CTest counts it as skipped
/// (SKIP_RETURN_CODE in cmake/EtudeTargets.cmake).
constexpr int kSkipped = 4;

/// Ends the running test case as skipped; `reason` says what is missing, and stands on stderr.
/// Callable from any depth below the test case, as long as no frame between catches everything.
[[noreturn]] void skip(const std::string& reason);

/// Skips the running test case unless `program` can be started by its name.
void need_program(const std::string& program);

/// The exit status of a suite: `failed` is what Catch's session returned. 0 if all that ran passed,
/// kSkipped if all that ran was skipped, and never kSkipped for a failure (Catch returns the number
/// of failed checks, which may be four).
int suite_status(int failed);

}  // namespace etude::test
