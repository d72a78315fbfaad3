// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "program/operation.h"
#include "sim/config/platform_config.h"

namespace etude::run {

/// Who of a cluster uses L1 at the same time.
struct UnitsAtWork {
  unsigned accesses = 0;           ///< of each core per cycle, in 1 / kAccessSteps; 0: cores rest
  const MatrixJob* job = nullptr;  ///< of RedMulE; null: it rests
  unsigned transfers = 0;          ///< directions in which the cluster DMA moves data
};
constexpr unsigned kAccessSteps = 16;

/// At which part of the speed that they have by themselves units work beside each other.
struct UnitSpeeds {
  double cores = 1, redmule = 1, dma = 1;
};

/// How the banks of L1 slow units down that work beside each other. RedMulE asks for the port as
/// its control does for the job at hand (RedmuleControl), in bursts of X, W, Y and Z; cores and DMA
/// ask for banks at random; the arbiter is the cluster's. Some cycles of that are gone through, and
/// what comes of them is kept for the next who asks. To be used by any number of threads.
class BankContention {
 public:
  UnitSpeeds of(const ClusterConfig& cluster, const UnitsAtWork& work);

  /// What units do in a window of time.
  struct Done {
    std::uint64_t accesses = 0;        ///< of all cores
    std::uint64_t moved = 0;           ///< beats of the DMA
    std::vector<std::uint32_t> beats;  ///< of RedMulE, at the end of each cycle
  };

 private:
  using Key = std::array<std::uint32_t, 16>;
  static Key key_of(const ClusterConfig& cluster, const UnitsAtWork& work);
  std::shared_ptr<const Done> alone(const ClusterConfig& cluster, const UnitsAtWork& work);

  std::mutex mutex_;
  std::map<Key, UnitSpeeds> known_;
  std::map<Key, std::shared_ptr<const Done>> alone_;  ///< of one unit by itself
};

}  // namespace etude::run
