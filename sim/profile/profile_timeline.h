// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sim/profile/program_profile.h"
#include "sim/trace/timeline.h"

namespace etude {

/// Adds what the harts did to `timeline`, in front of its own tracks: for each hart a track of
/// function calls, with the regions that were begun in them, and one of regions alone; tracks
/// without a span are dropped. `profile` has kept its spans. `names` are those of the harts.
void add_calls(const ProgramProfile& profile, const std::vector<std::string>& names,
               Timeline& timeline);

}  // namespace etude
