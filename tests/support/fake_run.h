// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/config/root_config.h"
#include "sim/engine/run_record.h"
#include "sim/report/facts.h"

namespace etude::test {

/// A small invented run of two steps, the same every time, for tests of everything that comes
/// behind the simulation.
RootConfig fake_config();
RunFacts fake_facts();
RunRecord fake_record();
CheckFacts fake_check();

}  // namespace etude::test
