// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/gemm_cycles.h"

#include <algorithm>

#include "compiler/tiling/pieces.h"

namespace etude::compiler {

namespace {

/// What one product of a stack takes on each unit.
class GemmCycles {
 public:
  GemmCycles(const GemmProblem& problem, const GemmTiling& tiling, const TimingSource& timing,
             const RedmuleConfig& redmule)
      : p_(problem), t_(tiling), timing_(timing), redmule_(redmule) {}

  Cycle total() {
    products();
    operand(false);
    operand(true);
    work_on_result();
    move_result();
    if (redmule_runs_) {
      cores_ = timing_.beside_redmule(cores_);
      in_ = timing_.beside_redmule(in_);
      out_ = timing_.beside_redmule(out_);
      // hand-over to and from cores and DMA is never hidden altogether
      unit_ += (2 * z_tiles_ + jobs_) * timing_.hand_over();
    }
    const Cycle slowest = std::max({unit_, cores_, in_, out_, posts_ * timing_.post()});
    // The neighbours in the list hide most of what cannot overlap within the operator.
    const Cycle ends = (first_load_ + last_) / kHiddenParts;
    return t_.double_buffer ? p_.count * slowest + ends : p_.count * (unit_ + cores_ + in_ + out_);
  }

 private:
  void products() {
    const std::uint32_t reduction = redmule_runs_ && !p_.half ? least_padded(an_, redmule_) : an_;
    const Cycle job = redmule_runs_ ? timing_.redmule(am_, reduction, ak_)
                                    : timing_.kernel(ETUDE_KERNEL_GEMM, {am_, ak_, an_});
    (redmule_runs_ ? unit_ : cores_) += jobs_ * job;
  }

  Cycle kernel(etude_kernel number, std::uint32_t rows, std::uint32_t cols) const {
    return timing_.kernel(number, {rows, cols, 1});
  }

  /// Loads of X or W and what the cores do to its tiles.
  void operand(bool is_w) {
    const OperandSource& source = is_w ? p_.w : p_.x;
    const std::uint32_t rows = is_w ? an_ : am_;
    const std::uint32_t cols = is_w ? ak_ : an_;
    const bool padded = redmule_runs_ && !p_.half && !long_enough(p_.n, t_.n);
    if (!p_.half && !padded && used_in_place(p_.unit, source, is_w ? t_.k == p_.k : t_.n == p_.n)) {
      return;
    }
    const std::uint64_t tiles = std::uint64_t{n_tiles_} * (is_w ? k_tiles_ : m_tiles_);
    const std::uint64_t again = is_w ? m_tiles_ : k_tiles_;
    const bool outer = is_w ? !t_.m_outer : t_.m_outer;
    // Two buffers hold two tiles; the outer operand's only tile stays while the inner index runs.
    const std::uint64_t visits =
        tiles <= (t_.double_buffer ? 2u : 1u) || (outer && n_tiles_ == 1) ? tiles : tiles * again;
    const std::uint32_t stored_rows = source.transpose ? cols : rows;
    const std::uint32_t stored_cols = source.transpose ? rows : cols;
    const bool dense = source.transpose ? (is_w ? t_.n == p_.n : t_.m == p_.m)
                                        : (is_w ? t_.k == p_.k : t_.n == p_.n);
    const bool copied = padded && source.resident && !source.transpose;
    if (padded) {  // among zeros
      cores_ += visits * kernel(ETUDE_KERNEL_FILL, 1, rows * cols);
      posts_ += visits;
    }
    if (copied) {
      cores_ += visits * kernel(ETUDE_KERNEL_COPY, rows, cols);
      posts_ += visits;
    }
    const bool to_half = p_.half && source.packed && !source.transpose && !source.resident;
    if (p_.half && !to_half) {
      cores_ += visits * kernel(ETUDE_KERNEL_FP32_TO_FP16, 1, rows * cols);
      posts_ += visits;
    }
    if (p_.half ? !source.resident : !copied && (!source.resident || !source.transpose)) {
      Cycle one = dense && redmule_runs_
                      ? timing_.dma(1, bytes_for(stored_rows * stored_cols), true)
                      : timing_.dma(stored_rows, bytes_for(stored_cols), true);
      if (source.packed) {
        one = source.packed->load(timing_, stored_rows, stored_cols, dense);
        const Cycle decoded = source.packed->decode(timing_, stored_rows, stored_cols, to_half);
        cores_ += visits * decoded;
        posts_ += visits;
        first_load_ += decoded;
      }
      in_ += visits * one;
      posts_ += visits;
      first_load_ += one;
    }
    if (redmule_runs_ && source.transpose) {
      const Cycle one = kernel(ETUDE_KERNEL_TRANSPOSE, rows, cols);
      cores_ += visits * one;
      posts_ += visits;
      first_load_ += one;
    }
    if (is_w && p_.column_sums) {
      cores_ += tiles * kernel(ETUDE_KERNEL_COLUMN_SUM, rows, cols);
      posts_ += tiles;
    }
  }

  /// A kernel over every tile of the result.
  void per_tile(etude_kernel number) {
    const bool one_row =
        number != ETUDE_KERNEL_TRANSPOSE && tile_pitch(p_.unit, ak_, t_.k == p_.k) == ak_;
    per_tile(one_row ? kernel(number, 1, am_ * ak_) : kernel(number, am_, ak_));
  }
  void per_tile(Cycle one) {
    cores_ += z_tiles_ * one;
    posts_ += z_tiles_;
    last_ += one;
  }

  /// What the cores do to make a tile of the result, without partners.
  void work_on_result() {
    if (p_.half) {
      per_tile(kernel(ETUDE_KERNEL_FP16_TO_FP32, 1, am_ * ak_) +
               kernel(ETUDE_KERNEL_FILL, 1, am_ * ak_ / 2));  // words of two
      if (p_.addend || p_.bias) {
        per_tile(ETUDE_KERNEL_ADD);
      }
    }
    if (redmule_runs_ && p_.bias) {  // row by row, gaps or not
      per_tile(kernel(p_.addend ? ETUDE_KERNEL_ADD_ROW : ETUDE_KERNEL_BROADCAST_ROW, am_, ak_));
    }
    if (redmule_runs_ && p_.relu) {
      per_tile(ETUDE_KERNEL_RELU);
    }
    if (p_.transpose_z) {
      per_tile(ETUDE_KERNEL_TRANSPOSE);
    }
  }

  /// Partners that come for a tile of the result, and its way to L2.
  void move_result() {
    const bool dense_z = p_.transpose_z ? t_.m == p_.m : t_.k == p_.k;
    const std::uint32_t out_rows = p_.transpose_z ? ak_ : am_;
    const std::uint32_t out_cols = p_.transpose_z ? am_ : ak_;
    const auto moved = [&](bool to_l1) {
      return dense_z && redmule_runs_ ? timing_.dma(1, bytes_for(out_rows * out_cols), to_l1)
                                      : timing_.dma(out_rows, bytes_for(out_cols), to_l1);
    };
    if (p_.loss) {
      per_tile(ETUDE_KERNEL_MSE);
      in_ += z_tiles_ * moved(true);
      posts_ += z_tiles_;
    }
    if (p_.addend && p_.addend_resident) {
      per_tile(ETUDE_KERNEL_COPY);
    } else if (p_.addend) {
      in_ += z_tiles_ * moved(true);
      posts_ += z_tiles_;
    }
    if (p_.mask) {
      per_tile(ETUDE_KERNEL_RELU_GRAD);
      in_ += p_.mask_resident ? Cycle{} : z_tiles_ * moved(true);
      posts_ += p_.mask_resident ? 0 : z_tiles_;
    }
    if (p_.sgd) {
      per_tile(ETUDE_KERNEL_SGD);
      in_ += p_.sgd_resident ? Cycle{} : z_tiles_ * moved(true);
      posts_ += p_.sgd_resident ? 0 : z_tiles_;
    }
    if (p_.store || p_.sgd) {
      out_ += z_tiles_ * moved(false);
      posts_ += z_tiles_;
      last_ += moved(false);
    }
  }

  const GemmProblem& p_;
  const GemmTiling& t_;
  const TimingSource& timing_;
  const RedmuleConfig& redmule_;
  const bool redmule_runs_ = p_.unit == GemmProblem::Unit::kRedmule;
  const std::uint32_t m_tiles_ = ceil_div(p_.m, t_.m);
  const std::uint32_t n_tiles_ = ceil_div(p_.n, t_.n);
  const std::uint32_t k_tiles_ = ceil_div(p_.k, t_.k);
  const std::uint64_t z_tiles_ = std::uint64_t{m_tiles_} * k_tiles_;
  const std::uint64_t jobs_ = z_tiles_ * n_tiles_;
  /// Average extents: every tile of the same costs the same; the last of each direction is smaller.
  const std::uint32_t am_ = ceil_div(p_.m, m_tiles_), an_ = ceil_div(p_.n, n_tiles_),
                      ak_ = ceil_div(p_.k, k_tiles_);
  Cycle unit_, cores_, in_, out_;
  std::uint64_t posts_ = jobs_;  ///< operations that the controller posts
  Cycle first_load_, last_;
};

}  // namespace

Cycle modelled_cycles(const GemmProblem& p, const GemmTiling& t, const TimingSource& timing,
                      const RedmuleConfig& redmule) {
  return GemmCycles(p, t, timing, redmule).total();
}

}  // namespace etude::compiler
