// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/schedule/policy.h"

namespace etude::test {

/// Draws what runs again and what is paged, within what a schedule may say; `again` and `pages`:
/// how many of each at most.
class RandomSchedule : public compiler::SchedulePolicy {
 public:
  RandomSchedule(std::uint64_t seed, unsigned again, unsigned pages)
      : seed_(seed), again_(again), pages_(pages) {}
  compiler::Schedule choose(const compiler::Step& step) const override;

 private:
  std::uint64_t seed_;
  unsigned again_, pages_;
};

}  // namespace etude::test
