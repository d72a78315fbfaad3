// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/tiling/gemm_tiling.h"
#include "compiler/tiling/tiling_limits.h"

namespace etude::compiler {

/// Finds tilings. What a tiling of a problem needs and takes does not depend on the limits, so that
/// it is worked out once, however often the problem is asked for.
class GemmSearch {
 public:
  /// Both must outlive it.
  GemmSearch(const TimingSource& timing, const RedmuleConfig& redmule)
      : timing_(timing), redmule_(redmule) {}

  /// The tiling with the least modelled time within the limits; among equals the one with the
  /// fewest bytes, then the first in order of m, n, k, rows outside before inside, kept result
  /// before not.
  /// Errors: UserError naming the operator, its smallest (or the fixed) tile and the bytes missing.
  GemmTiling choose(const std::string& name, const GemmProblem& problem,
                    const TilingLimits& limits);

 private:
  /// What a choice depends on besides the problem: bytes, preferred, kept, two buffers.
  using Asked = std::tuple<Bytes, Bytes, Bytes, bool>;
  struct Candidate {
    GemmTiling tiling;  ///< cycles: modelled, or 0: not worked out yet
    Cycle saved;        ///< that the neighbours save when it is chosen
  };
  struct Known {
    std::vector<Candidate> candidates;  ///< in the order in which they are tried
    std::map<Asked, GemmTiling> chosen;
  };
  using Key = std::tuple<GemmProblem, std::uint32_t, std::uint32_t, std::uint32_t>;

  /// What is known of a problem: at first each tiling that is allowed at all, with two buffers,
  /// then with one.
  Known& known_of(const GemmProblem& problem, const TileConfig& fixed);
  void work_out(const GemmProblem& problem, Candidate& candidate) const;

  const TimingSource& timing_;
  const RedmuleConfig& redmule_;
  std::map<Key, Known> known_;
};

}  // namespace etude::compiler
