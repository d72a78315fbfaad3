// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/linear_backward_tiling.h"

#include <algorithm>

#include "compiler/tiling/pieces.h"

namespace etude::compiler {

namespace {

class Chooser {
 public:
  /// `known`: modelled cycles of the shape's tilings, by number.
  Chooser(const LinearBackwardProblem& problem, const TimingSource& timing,
          const RedmuleConfig& redmule, std::vector<std::uint64_t>& known)
      : p_(problem), timing_(timing), array_(redmule), known_(known) {}

  std::optional<LinearBackwardTiling> choose() {
    std::size_t number = 0;
    for (std::uint32_t in_parts = 1; in_parts <= 54; in_parts += 1 + in_parts / 8) {
      const std::uint32_t in_tile =
          std::min(p_.in, round_up(ceil_div(p_.in, in_parts), array_.width));
      for (std::uint32_t out_parts = 1; out_parts <= 40; out_parts += 1 + out_parts / 8) {
        const std::uint32_t out_tile =
            std::min(p_.out, round_up(ceil_div(p_.out, out_parts), array_.columns()));
        if (long_enough(p_.out, out_tile) && out_tile >= std::min(p_.least_columns, p_.out) &&
            (!p_.forward || in_tile == p_.in)) {
          try_tile(in_tile, out_tile, number);
        }
        number += kCopies;
      }
    }
    return best_;
  }

 private:
  static constexpr std::uint32_t kCopies = 4;  ///< numbers of buffers that are tried

  void try_tile(std::uint32_t in_tile, std::uint32_t out_tile, std::size_t number) {
    known_.resize(std::max(known_.size(), number + kCopies));
    for (std::uint32_t option = 0; option < kCopies; ++option) {
      for (const bool keep : {true, false}) {
        LinearBackwardTiling t{in_tile, out_tile, p_.double_buffer ? 1 + option : 1, keep, 0};
        const std::uint32_t need = bytes(t);
        if ((keep && !p_.may_keep) || need > p_.l1_bytes) {
          continue;
        }
        std::uint64_t& modelled = known_[number + option];
        modelled = modelled == 0 ? cycles(t) : modelled;
        t.cycles = modelled + (keep ? 0 : timing_.dma(p_.batch, bytes_for(p_.in), true));
        t.cycles += crowding(t.cycles, need, p_.preferred);
        if (!best_ || t.cycles < best_->cycles) {
          best_ = t;
        }
      }
    }
  }

  std::uint32_t bytes(const LinearBackwardTiling& t) const {
    const std::uint32_t feeds = std::min(2u, ceil_div(p_.out, t.out));
    const std::uint32_t copies =
        std::min(t.copies, ceil_div(p_.in, t.in) * ceil_div(p_.out, t.out));
    std::uint32_t sum = 0;
    const auto add = [&](std::uint32_t count, std::uint32_t each) { sum += count * (each + 8); };
    if (!p_.xt_resident) {
      add(1, bytes_for(p_.in * p_.batch) + read_ahead(p_.in, p_.batch, array_));
      add(p_.x_resident ? 0 : 1, bytes_for(p_.in * p_.batch));
    }
    add(1, bytes_for(stored_rows(GemmProblem::Unit::kRedmule, p_.in, array_) * p_.batch) +
               read_ahead(p_.in, p_.batch, array_));
    add(1, bytes_for(p_.batch * (t.keep ? p_.in : 2 * t.in)) + read_ahead(p_.batch, p_.in, array_));
    add(p_.dy_dense && t.out == p_.out ? 0 : feeds,
        bytes_for(dy_rows(p_.batch, p_.forward, array_) * t.out) +
            read_ahead(p_.batch, t.out, array_));
    if (p_.forward) {
      add(feeds, bytes_for(p_.batch * t.out));
      add(p_.x_resident ? 0 : 1, bytes_for(p_.in * p_.batch) + read_ahead(p_.batch, p_.in, array_));
    }
    add(p_.dyt_resident ? 0 : feeds,
        bytes_for(p_.batch * t.out) + read_ahead(t.out, p_.batch, array_));
    add(copies, bytes_for(t.in * t.out) + read_ahead(t.in, t.out, array_));
    add(copies, bytes_for(stored_rows(GemmProblem::Unit::kRedmule, t.in, array_) * t.out));
    add(p_.bias ? 2 : 0, bytes_for(p_.out));
    return sum;
  }

  /// RedMulE's matrices have no gaps: one row.
  std::uint64_t one_row(etude_kernel number, std::uint32_t elements) const {
    return timing_.kernel(number, {1, elements, 1});
  }
  std::uint64_t transpose(std::uint32_t rows, std::uint32_t cols) const {
    return timing_.kernel(ETUDE_KERNEL_TRANSPOSE, {rows, cols, 1});
  }

  std::uint64_t cycles(const LinearBackwardTiling& t) const {
    const std::uint32_t in_tiles = ceil_div(p_.in, t.in);
    const std::uint32_t out_tiles = ceil_div(p_.out, t.out);
    const std::uint64_t tiles = std::uint64_t{in_tiles} * out_tiles;
    const std::uint32_t i = ceil_div(p_.in, in_tiles), o = ceil_div(p_.out, out_tiles);
    const auto both = [&](std::uint32_t rows, std::uint32_t cols) -> std::uint64_t {
      return rows == 0 || cols == 0
                 ? 0
                 : timing_.redmule(rows, cols, p_.batch) + timing_.redmule(rows, p_.batch, cols) +
                       3 * timing_.hand_over();
    };
    const std::uint64_t full_in = p_.in / t.in, full_out = p_.out / t.out;
    const std::uint32_t last_in = p_.in % t.in, last_out = p_.out % t.out;
    const std::uint64_t forward =
        p_.forward ? out_tiles * (timing_.redmule(p_.batch, p_.in, o) + 2 * timing_.hand_over())
                   : 0;
    const std::uint64_t unit = forward +
                               full_in * (full_out * both(t.in, t.out) + both(t.in, last_out)) +
                               full_out * both(last_in, t.out) + both(last_in, last_out);
    const std::uint64_t cores = timing_.beside_redmule(
        tiles * one_row(ETUDE_KERNEL_SGD, i * o) +
        in_tiles * (one_row(ETUDE_KERNEL_RELU_GRAD, i * p_.batch) + transpose(i, p_.batch)) +
        out_tiles * transpose(p_.batch, o));
    const bool dense = t.out == p_.out;
    const auto moved = [&](bool to_l1) {
      return timing_.beside_redmule(dense ? timing_.dma(1, bytes_for(i * o), to_l1)
                                          : timing_.dma(i, bytes_for(o), to_l1));
    };
    // A buffer of W is taken from the start of its load to the end of its store.
    const std::uint64_t chain = moved(true) + unit / tiles + one_row(ETUDE_KERNEL_SGD, i * o) +
                                moved(false) + 4 * (timing_.post() + timing_.hand_over());
    const std::uint64_t copies = std::min<std::uint64_t>(t.copies, tiles);
    const std::uint64_t slowest =
        std::max({unit, cores, tiles * moved(true), tiles * moved(false),
                  (6 * tiles + 6) * timing_.post(), tiles * chain / copies});
    // What follows waits for the last tile; what goes before is still there for the first.
    return slowest + (unit / tiles + timing_.dma(i, bytes_for(o), true)) / 3;
  }

  const LinearBackwardProblem& p_;
  const TimingSource& timing_;
  const RedmuleConfig& array_;
  std::vector<std::uint64_t>& known_;
  std::optional<LinearBackwardTiling> best_;
};

}  // namespace

std::optional<LinearBackwardTiling> LinearBackwardSearch::choose(
    const LinearBackwardProblem& problem) {
  const auto [found, fresh] = chosen_.try_emplace(problem);
  if (fresh) {
    auto& known = cycles_[{problem.batch, problem.in, problem.out, problem.forward ? 1u : 0u}];
    found->second = Chooser(problem, timing_, redmule_, known).choose();
  }
  return found->second;
}

}  // namespace etude::compiler
