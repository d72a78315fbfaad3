// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/config/workload_config.h"

namespace etude {

/// The policies by their names in configurations and commands, in the order of tables.
const std::vector<std::pair<std::string, ScheduleConfig::Policy>>& schedule_policies();
/// The same for the memories that what operators make is paged to.
const std::vector<std::pair<std::string, ScheduleConfig::PageTo>>& schedule_page_to();
/// The same for what a schedule makes least.
const std::vector<std::pair<std::string, ScheduleConfig::Objective>>& schedule_objectives();

}  // namespace etude
