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
          const RedmuleConfig& redmule, std::vector<Cycle>& known)
      : p_(problem), timing_(timing), array_(redmule), known_(known) {}

  std::optional<LinearBackwardTiling> choose() {
    std::size_t number = 0;
    for (std::uint32_t in_parts = 1; in_parts <= 54; in_parts += 1 + in_parts / 8) {
      const std::uint32_t in_tile =
          std::min(p_.in, round_up(ceil_div(p_.in, in_parts), array_.width));
      for (std::uint32_t out_parts = 1; out_parts <= 40; out_parts += 1 + out_parts / 8) {
        const std::uint32_t out_tile =
            std::min(p_.out, round_up(ceil_div(p_.out, out_parts), array_.columns()));
        const bool wanted = p_.out_tile == 0 ? out_tile >= std::min(p_.least_columns, p_.out)
                                             : out_tile == p_.out_tile;
        if (long_enough(p_.out, out_tile) && wanted && (!p_.forward || in_tile == p_.in)) {
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
    // Without more buffers the other options' numbers stay unknown: they are of more buffers.
    for (std::uint32_t option = 0; option < (p_.double_buffer ? kCopies : 1); ++option) {
      for (const bool keep : {true, false}) {
        LinearBackwardTiling t{in_tile, out_tile, 1 + option, keep, {}};
        const Bytes need = compiler::l1_bytes(p_, t, array_);
        if ((keep && !p_.may_keep) || need > p_.l1_bytes) {
          continue;
        }
        Cycle& modelled = known_[number + option];
        modelled = modelled == Cycle{} ? modelled_cycles(p_, t, timing_) : modelled;
        t.cycles = modelled + (keep ? Cycle{} : timing_.dma(p_.batch, bytes_for(p_.in), true));
        t.cycles += crowding(t.cycles, need, p_.preferred);
        if (!best_ || t.cycles < best_->cycles) {
          best_ = t;
        }
      }
    }
  }

  const LinearBackwardProblem& p_;
  const TimingSource& timing_;
  const RedmuleConfig& array_;
  std::vector<Cycle>& known_;
  std::optional<LinearBackwardTiling> best_;
};

}  // namespace

Bytes l1_bytes(const LinearBackwardProblem& p, const LinearBackwardTiling& t,
               const RedmuleConfig& array) {
  const std::uint32_t feeds = std::min(2u, ceil_div(p.out, t.out));
  const std::uint32_t copies = std::min(t.copies, ceil_div(p.in, t.in) * ceil_div(p.out, t.out));
  Bytes sum;
  const auto add = [&](std::uint32_t count, Bytes each) { sum += count * (each + Bytes{8}); };
  if (!p.xt_resident) {
    add(1, bytes_for(p.in * p.batch) + read_ahead(p.in, p.batch, array));
    add(p.x_resident ? 0 : 1, bytes_for(p.in * p.batch));
  }
  add(1, bytes_for(stored_rows(GemmProblem::Unit::kRedmule, p.in, array) * p.batch) +
             read_ahead(p.in, p.batch, array));
  add(1, bytes_for(p.batch * (t.keep ? p.in : 2 * t.in)) + read_ahead(p.batch, p.in, array));
  add(p.dy_dense && t.out == p.out ? 0 : feeds,
      bytes_for(dy_rows(p.batch, p.forward, array) * t.out) + read_ahead(p.batch, t.out, array));
  if (p.forward) {
    add(feeds, bytes_for(p.batch * t.out));
    add(p.x_resident ? 0 : 1, bytes_for(p.in * p.batch) + read_ahead(p.batch, p.in, array));
  }
  add(p.dyt_resident ? 0 : feeds, bytes_for(p.batch * t.out) + read_ahead(t.out, p.batch, array));
  add(copies, bytes_for(t.in * t.out) + read_ahead(t.in, t.out, array));
  add(copies, bytes_for(stored_rows(GemmProblem::Unit::kRedmule, t.in, array) * t.out));
  add(p.bias ? 2 : 0, bytes_for(p.out));
  return sum;
}

Cycle modelled_cycles(const LinearBackwardProblem& p, const LinearBackwardTiling& t,
                      const TimingSource& timing) {
  // RedMulE's matrices have no gaps: one row.
  const auto one_row = [&](etude_kernel number, std::uint32_t elements) {
    return timing.kernel(number, {1, elements, 1});
  };
  const auto transpose = [&](std::uint32_t rows, std::uint32_t cols) {
    return timing.kernel(ETUDE_KERNEL_TRANSPOSE, {rows, cols, 1});
  };
  const std::uint32_t in_tiles = ceil_div(p.in, t.in);
  const std::uint32_t out_tiles = ceil_div(p.out, t.out);
  const std::uint64_t tiles = std::uint64_t{in_tiles} * out_tiles;
  const std::uint32_t i = ceil_div(p.in, in_tiles), o = ceil_div(p.out, out_tiles);
  const auto both = [&](std::uint32_t rows, std::uint32_t cols) -> Cycle {
    return rows == 0 || cols == 0
               ? Cycle{}
               : timing.redmule(rows, cols, p.batch) + timing.redmule(rows, p.batch, cols) +
                     3 * timing.hand_over();
  };
  const std::uint64_t full_in = p.in / t.in, full_out = p.out / t.out;
  const std::uint32_t last_in = p.in % t.in, last_out = p.out % t.out;
  const Cycle forward =
      p.forward ? out_tiles * (timing.redmule(p.batch, p.in, o) + 2 * timing.hand_over()) : Cycle{};
  const Cycle unit = forward + full_in * (full_out * both(t.in, t.out) + both(t.in, last_out)) +
                     full_out * both(last_in, t.out) + both(last_in, last_out);
  const Cycle cores = timing.beside_redmule(
      tiles * one_row(ETUDE_KERNEL_SGD, i * o) +
      in_tiles * (one_row(ETUDE_KERNEL_RELU_GRAD, i * p.batch) + transpose(i, p.batch)) +
      out_tiles * transpose(p.batch, o));
  const bool dense = t.out == p.out;
  const auto moved = [&](bool to_l1) {
    return timing.beside_redmule(dense ? timing.dma(1, bytes_for(i * o), to_l1)
                                       : timing.dma(i, bytes_for(o), to_l1));
  };
  // A buffer of W is taken from the start of its load to the end of its store.
  const Cycle chain = moved(true) + unit / tiles + one_row(ETUDE_KERNEL_SGD, i * o) + moved(false) +
                      4 * (timing.post() + timing.hand_over());
  const std::uint64_t copies = std::min<std::uint64_t>(t.copies, tiles);
  const Cycle slowest = std::max({unit, cores, tiles * moved(true), tiles * moved(false),
                                  (6 * tiles + 6) * timing.post(), tiles * chain / copies});
  // What follows waits for the last tile; what goes before is still there for the first.
  return slowest + (unit / tiles + timing.dma(i, bytes_for(o), true)) / 3;
}

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
