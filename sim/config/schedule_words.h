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

/// What to give in place of a word that is in no list: its name here, if it has another one, and
/// all words.
std::string words_instead(const std::string& word, const std::string& all);

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
  throw UserError(where, "'" + word + "' is unknown here", words_instead(word, all));
}

}  // namespace etude
