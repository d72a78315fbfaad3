// SPDX-License-Identifier: Apache-2.0
#include "sim/config/schedule_words.h"

namespace etude {

const std::vector<std::pair<std::string, ScheduleConfig::Policy>>& schedule_policies() {
  using Policy = ScheduleConfig::Policy;
  static const std::vector<std::pair<std::string, Policy>> words{
      {"keep", Policy::kKeep}, {"optimal", Policy::kOptimal}, {"checkmate", Policy::kCheckmate},
      {"page", Policy::kPage}, {"sqrt", Policy::kSqrt},       {"capuchin", Policy::kCapuchin},
      {"pofo", Policy::kPofo}, {"poet", Policy::kPoet}};
  return words;
}

const std::vector<std::pair<std::string, ScheduleConfig::PageTo>>& schedule_page_to() {
  using PageTo = ScheduleConfig::PageTo;
  static const std::vector<std::pair<std::string, PageTo>> words{{"extmem", PageTo::kExtmem},
                                                                 {"flash", PageTo::kFlash}};
  return words;
}

const std::vector<std::pair<std::string, ScheduleConfig::Objective>>& schedule_objectives() {
  using Objective = ScheduleConfig::Objective;
  static const std::vector<std::pair<std::string, Objective>> words{{"energy", Objective::kEnergy},
                                                                    {"time", Objective::kTime},
                                                                    {"edp", Objective::kEdp},
                                                                    {"peak", Objective::kPeak}};
  return words;
}

std::string called_here(const std::string& word) {
  return word == "recompute" ? "it is called checkmate; " : "";
}

}  // namespace etude
