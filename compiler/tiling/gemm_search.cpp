// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/gemm_search.h"

#include <algorithm>
#include <optional>
#include <set>

#include "compiler/tiling/gemm_cycles.h"
#include "compiler/tiling/pieces.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

/// Whether all tiles of a packed operand begin with words of its stored rows.
bool packed_allows(const GemmProblem& p, const GemmTiling& t, bool is_w) {
  const OperandSource& source = is_w ? p.w : p.x;
  if (!source.packed) {
    return true;
  }
  return is_w == source.transpose ? source.packed->allows(t.n, p.n)
         : is_w                   ? source.packed->allows(t.k, p.k)
                                  : source.packed->allows(t.m, p.m);
}

bool allowed(const GemmProblem& p, const GemmTiling& t, bool user_n, const RedmuleConfig& redmule) {
  if (!packed_allows(p, t, false) || !packed_allows(p, t, true)) {
    return false;
  }
  if (p.half) {
    return !t.keep_z || t.k == p.k;  // the cores put each tile where it belongs
  }
  if (p.unit == Unit::kRedmule && !long_enough(p.n, t.n) && t.n < p.n && !user_n) {
    return false;
  }
  if ((p.x.transposed_view && t.n != p.n) || (p.w.transposed_view && t.k != p.k)) {
    return false;  // a view in the other orientation is of use only where it stands
  }
  if (!t.keep_z) {
    return true;
  }
  // Slices of the whole result are tiles if they are whole rows; RedMulE writes ceil(m/L)*L rows.
  return t.k == p.k && (t.m == p.m || p.unit == Unit::kCores || t.m % redmule.width == 0);
}

std::vector<std::uint32_t> extents(std::uint32_t whole, std::uint32_t step, std::uint32_t fixed) {
  if (fixed != 0) {
    return {std::min(fixed, whole)};
  }
  std::set<std::uint32_t> found{whole};
  for (std::uint32_t parts = 2; parts <= 64; parts += 1 + parts / 6) {
    const std::uint32_t size = round_up(ceil_div(whole, parts), step);
    found.insert(std::min(size, whole));
  }
  found.insert(std::min(step, whole));
  if (step > 4) {
    found.insert(std::min(4u, whole));
  }
  return {found.begin(), found.end()};
}

[[noreturn]] void nothing_fits(const std::string& name, const GemmTiling& smallest,
                               const TilingLimits& limits) {
  throw UserError("operator '" + name + "'",
                  "its tile " + std::to_string(smallest.m) + "x" + std::to_string(smallest.n) +
                      "x" + std::to_string(smallest.k) + " needs " +
                      std::to_string(smallest.l1_bytes.raw()) + " bytes of L1, " +
                      std::to_string((smallest.l1_bytes - limits.l1_bytes).raw()) +
                      " more than the " + std::to_string(limits.l1_bytes.raw()) + " that are free",
                  "give a larger /platform/cluster/tcdm/size, a larger /tiling/l1_budget or "
                  "smaller tiles in /tiling/operators");
}

}  // namespace

GemmSearch::Known& GemmSearch::known_of(const GemmProblem& problem, const TileConfig& fixed) {
  const auto [found, fresh] = known_.try_emplace(Key{problem, fixed.m, fixed.n, fixed.k}, Known{});
  if (!fresh) {
    return found->second;
  }
  std::vector<Candidate>& candidates = found->second.candidates;
  const bool array = problem.unit == Unit::kRedmule;
  const auto ms = extents(problem.m, array ? redmule_.width : 8, fixed.m);
  const auto ns = extents(problem.n, array ? redmule_.columns() : 8, fixed.n);
  const auto ks = extents(problem.k, array ? redmule_.columns() : 8, fixed.k);
  for (const std::uint32_t m : ms) {
    for (const std::uint32_t n : ns) {
      for (const std::uint32_t k : ks) {
        for (const bool m_outer : {true, false}) {
          if (problem.loss && !m_outer) {
            continue;  // a loss that is added up tile by tile has one order
          }
          for (const bool keep : {true, false}) {
            GemmTiling tiling{m, n, k, m_outer, keep, true, {}, {}};
            if ((keep && problem.sgd) || !allowed(problem, tiling, fixed.n != 0, redmule_)) {
              continue;
            }
            for (const bool twice : {true, false}) {
              tiling.double_buffer = twice;
              tiling.l1_bytes = l1_bytes(problem, tiling, redmule_);
              candidates.push_back({tiling, {}});
            }
          }
        }
      }
    }
  }
  return found->second;
}

void GemmSearch::work_out(const GemmProblem& problem, Candidate& candidate) const {
  GemmTiling& t = candidate.tiling;
  t.cycles = modelled_cycles(problem, t, timing_, redmule_);
  const auto whole = [&](const OperandSource& source, bool one_tile, Bytes bytes) {
    if (source.wanted_next && !source.resident && one_tile) {  // saves the next its transfers
      candidate.saved += timing_.dma(1, bytes, true);
    }
  };
  whole(problem.x, t.m == problem.m && t.n == problem.n,
        bytes_for(std::uint64_t{problem.m} * problem.n));
  whole(problem.w, t.n == problem.n && t.k == problem.k,
        bytes_for(std::uint64_t{problem.n} * problem.k));
  if (t.keep_z) {  // what follows finds it in L1 and need not wait for a round trip through L2
    const Bytes bytes = bytes_for(std::uint64_t{problem.count} * problem.m * problem.k);
    candidate.saved += timing_.dma(1, bytes, true) + timing_.dma(1, bytes, false);
  }
}

GemmTiling GemmSearch::choose(const std::string& name, const GemmProblem& problem,
                              const TilingLimits& limits) {
  Known& known = known_of(problem, limits.fixed);
  if (known.candidates.empty()) {
    throw UserError("operator '" + name + "'", "has no tile of the sizes that are given",
                    "columns of a packed weight are cut at multiples of 4 (int8), 8 (int4) or 32 "
                    "(int3) in /tiling/operators");
  }
  const Asked asked{limits.l1_bytes, limits.preferred, limits.keep_bytes, limits.double_buffer};
  if (const auto found = known.chosen.find(asked); found != known.chosen.end()) {
    return found->second;
  }
  const Bytes result_bytes = bytes_for(std::uint64_t{problem.count} * problem.m * problem.k *
                                       (problem.transpose_z ? 2 : 1));
  std::optional<GemmTiling> best;
  GemmTiling smallest;
  smallest.l1_bytes = Bytes{~std::uint64_t{0}};
  for (Candidate& candidate : known.candidates) {
    const GemmTiling& t = candidate.tiling;
    // One buffer only where the user wants it, or as long as nothing fits with two.
    if ((t.keep_z && result_bytes > limits.keep_bytes) ||
        (t.double_buffer ? !limits.double_buffer : limits.double_buffer && best)) {
      continue;
    }
    if (t.l1_bytes < smallest.l1_bytes) {
      smallest = t;
    }
    if (t.l1_bytes > limits.l1_bytes) {
      continue;
    }
    if (t.cycles == Cycle{}) {
      work_out(problem, candidate);
    }
    const Cycle cycles = t.cycles + crowding(t.cycles, t.l1_bytes, limits.preferred);
    const Cycle left = cycles - std::min(cycles, candidate.saved);
    if (!best || left < best->cycles || (left == best->cycles && t.l1_bytes < best->l1_bytes)) {
      best = t;
      best->cycles = left;
    }
  }
  if (!best) {
    nothing_fits(name, smallest, limits);
  }
  known.chosen[asked] = *best;
  return *best;
}

}  // namespace etude::compiler
