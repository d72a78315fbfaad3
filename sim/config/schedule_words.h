// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "sim/config/workload_config.h"

namespace etude {

/// The policies by their names in configurations and commands, in the order of tables.
const std::vector<std::pair<std::string, ScheduleConfig::Policy>>& schedule_policies();
/// The same for the memories that what operators make is paged to.
const std::vector<std::pair<std::string, ScheduleConfig::PageTo>>& schedule_page_to();
/// The same for what a schedule makes least.
const std::vector<std::pair<std::string, ScheduleConfig::Objective>>& schedule_objectives();

/// "it is called checkmate; " of a word that has another name here, else "".
std::string called_here(const std::string& word);

/// The value of a word of such a list. Errors: UserError at `where` that lists all of them.
template <class Value>
Value named(const std::vector<std::pair<std::string, Value>>& words, const std::string& word,
            const std::string& where) {
  std::string all;
  for (const auto& [name, value] : words) {
    if (name == word) {
      return value;
    }
    all += (all.empty() ? "" : ", ") + name;
  }
  throw UserError(where, "'" + word + "' is unknown here",
                  called_here(word) + "give one of " + all);
}

}  // namespace etude
