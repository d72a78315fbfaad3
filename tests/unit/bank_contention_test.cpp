// SPDX-License-Identifier: Apache-2.0
#include "run/plan/bank_contention.h"

#include <catch2/catch.hpp>

namespace etude::run {
namespace {

/// The cluster of the RTL's records: 16 banks, RedMulE 4x12x3 with a port of 288 bits.
ClusterConfig cluster(HciConfig::Priority priority, unsigned max_stall) {
  ClusterConfig made;
  made.hci.priority = priority;
  made.hci.max_stall = max_stall;
  return made;
}

/// 96^3 takes 18,511 cycles by itself.
MatrixJob job() {
  MatrixJob made;
  made.m = made.n = made.k = 96;
  return made;
}

TEST_CASE("units that have L1 for themselves are at full speed", "[schedule]") {
  BankContention contention;
  const MatrixJob one = job();
  const ClusterConfig of = cluster(HciConfig::Priority::kCores, 0);
  for (const UnitsAtWork& work :
       {UnitsAtWork{}, UnitsAtWork{12}, UnitsAtWork{0, &one}, UnitsAtWork{0, nullptr, 2}}) {
    const UnitSpeeds speeds = contention.of(of, work);
    CHECK(speeds.cores == 1);
    CHECK(speeds.redmule == 1);
    CHECK(speeds.dma == 1);
  }
}

TEST_CASE("RedMulE beside cores is as slow as in the RTL", "[schedule]") {
  // Cycles of the job beside eight cores that begin a random access in a quarter, and in half, of
  // their cycles: with priority to the cores 33,490 and 160,190; where these wait for a cycle at
  // most, 19,466 and 20,077; with priority to the accelerator 18,511 at any load.
  BankContention contention;
  const MatrixJob one = job();
  const UnitsAtWork quarter{kAccessSteps / 4, &one}, half{kAccessSteps / 2, &one};
  const ClusterConfig cores = cluster(HciConfig::Priority::kCores, 0);
  CHECK(contention.of(cores, quarter).redmule == Approx(18511.0 / 33490).epsilon(0.12));
  CHECK(contention.of(cores, half).redmule == Approx(18511.0 / 160190).epsilon(0.25));
  const ClusterConfig released = cluster(HciConfig::Priority::kCores, 1);
  CHECK(contention.of(released, quarter).redmule == Approx(18511.0 / 19466).epsilon(0.03));
  CHECK(contention.of(released, half).redmule == Approx(18511.0 / 20077).epsilon(0.03));
  const ClusterConfig accelerator = cluster(HciConfig::Priority::kAccelerator, 0);
  for (const UnitsAtWork& work : {quarter, half}) {
    CHECK(contention.of(accelerator, work).redmule == 1);
    CHECK(contention.of(accelerator, work).cores < 1);
    CHECK(contention.of(cores, work).cores > 0.99);  // they always win
  }
}

TEST_CASE("more banks hold units up less, more of them more", "[schedule]") {
  BankContention contention;
  const MatrixJob one = job();
  ClusterConfig few = cluster(HciConfig::Priority::kAccelerator, 8), many = few;
  many.tcdm.banks = 64;
  const UnitsAtWork all{kAccessSteps / 2, &one, 1}, without_dma{kAccessSteps / 2, &one};
  CHECK(contention.of(few, all).cores < contention.of(many, all).cores);
  CHECK(contention.of(few, all).dma < contention.of(many, all).dma);
  CHECK(contention.of(few, all).cores < contention.of(few, without_dma).cores);
  // The same again, though others were asked for in between.
  CHECK(contention.of(few, all).dma == BankContention().of(few, all).dma);
}

}  // namespace
}  // namespace etude::run
