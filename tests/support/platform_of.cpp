// SPDX-License-Identifier: Apache-2.0
// Apart from lowered_step.cpp, so that a tool without Catch2 can link it.
#include "tests/support/lowered_step.h"

namespace etude::test {

PlatformConfig platform_of(bool redmule, unsigned l1_kib, unsigned cores) {
  PlatformConfig platform;
  platform.cluster.cores = cores;
  platform.cluster.tcdm.size = Bytes{l1_kib * 1024ull};
  platform.cluster.redmule.enabled = redmule;
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  platform.cluster.redmule.errata = RedmuleConfig::Errata::kOff;
  return platform;
}

}  // namespace etude::test
