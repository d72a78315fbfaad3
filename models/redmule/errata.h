// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/redmule/plan.h"

namespace etude {

/// The numbers (1..8) of the RTL's known errata that `job` falls into on this array, ascending.
/// Erratum 1 (no SOFT_CLEAR since the last job) and 7 (the port was refused) depend on the run and
/// are told by the two flags. Empty when errata are off or the array is fp32, which is not the RTL.
std::vector<int> errata_of(const RedmuleJob& job, const RedmuleConfig& config,
                           bool without_clear = false, bool port_refused = false);

/// True for the errata (1 to 5) with which the hardware computes wrong data or hangs by itself. The
/// others can be lived with: 6 if the rows are allocated, 7 if the accelerator has priority, 8 if
/// only the timing counts.
constexpr bool erratum_breaks_data(int number) { return number <= 5; }

/// One sentence about erratum `number` (1..8): what the hardware does and how to avoid it.
const char* erratum_text(int number);

/// The job as a user reads it: "X=0x.. W=0x.. Z=0x.. M=.. N=.. K=.. op=.. format=..".
std::string describe_job(const RedmuleJob& job);

}  // namespace etude
