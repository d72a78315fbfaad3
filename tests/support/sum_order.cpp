// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sum_order.h"

#include <algorithm>
#include <optional>

#include "compiler/lower/lower.h"
#include "compiler/schedule/sqrt.h"
#include "models/base/error.h"
#include "tests/support/lowered_step.h"
#include "tests/support/random_schedule.h"
#include "tests/support/step_outcome.h"

namespace etude::test {
namespace {

using compiler::LowerOptions;
using compiler::SchedulePolicy;
using Home = WorkloadConfig::Home;

class Comparison {
 public:
  Comparison(const TrainingGraph& training, PlatformConfig platform,
             TrainConfig::Precision precision)
      : training_(training), platform_(std::move(platform)) {
    options_.precision = precision;
  }

  OrderReport run(std::uint64_t seed, unsigned schedules) {
    wanted_ = outcome_of(Home::kAuto, nullptr);
    if (!wanted_) {
      return report_;
    }
    const Bytes usual = platform_.l2.size;
    for (const Home home : {Home::kExtmem, Home::kL2}) {
      for (const std::uint64_t kib : {4096u, 1024u, 512u}) {
        platform_.l2.size = Bytes{kib * 1024};
        compare(home, nullptr, "keep, L2 of " + std::to_string(kib) + " KiB");
      }
    }
    platform_.l2.size = usual;
    for (const Home home : {Home::kAuto, Home::kExtmem, Home::kL2}) {
      const compiler::SqrtPolicy policy;
      compare(home, &policy, "sqrt");
      for (unsigned i = 0; i < schedules; ++i) {
        const std::uint64_t number = 8 * seed + i;
        const RandomSchedule drawn(number, number % 4 == 3 ? 0 : 8, number % 4 == 2 ? 0 : 12);
        compare(home, &drawn, "random schedule " + std::to_string(number));
      }
    }
    return report_;
  }

 private:
  std::optional<std::map<std::string, Bits>> outcome_of(Home home, const SchedulePolicy* policy) {
    options_.home = home;
    try {
      const Program program = policy != nullptr
                                  ? lower_step(training_, platform_, options_, *policy)
                                  : lower_step(training_, platform_, options_);
      return outcome(training_, platform_, program, 1);
    } catch (const UserError&) {
      ++report_.refused;
      return std::nullopt;
    }
  }

  void compare(Home home, const SchedulePolicy* policy, const std::string& what) {
    const auto found = outcome_of(home, policy);
    if (!found) {
      return;
    }
    ++report_.programs;
    std::string names;
    for (const auto& [name, values] : *wanted_) {
      const auto at = found->find(name);
      if (at == found->end() || at->second != values) {
        names += (names.empty() ? "" : ", ") + name;
      }
    }
    if (!names.empty()) {
      const char* where = home == Home::kAuto ? "auto" : home == Home::kL2 ? "l2" : "extmem";
      report_.differences += what + ", home " + where + ": " + names + "\n";
    }
  }

  const TrainingGraph& training_;
  PlatformConfig platform_;
  LowerOptions options_;
  OrderReport report_;
  std::optional<std::map<std::string, Bits>> wanted_;
};

}  // namespace

OrderReport compare_orders(const TrainingGraph& training, PlatformConfig platform,
                           TrainConfig::Precision precision, std::uint64_t seed,
                           unsigned schedules) {
  return Comparison(training, std::move(platform), precision).run(seed, schedules);
}

PlatformConfig platform_for(TrainConfig::Precision precision, bool redmule, unsigned l1_kib,
                            unsigned cores) {
  PlatformConfig platform = platform_of(redmule, l1_kib, cores);
  if (precision == TrainConfig::Precision::kMixedFp16) {
    platform.cluster.redmule.enabled = true;
    platform.cluster.redmule.format = RedmuleConfig::Format::kFp16;
    platform.cluster.redmule.errata = RedmuleConfig::Errata::kError;
  }
  return platform;
}

}  // namespace etude::test
