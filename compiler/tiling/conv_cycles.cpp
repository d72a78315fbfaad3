// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/conv_cycles.h"

#include <algorithm>

#include "compiler/tiling/pieces.h"

namespace etude::compiler {

namespace {

using Product = ConvProblem::Product;

/// Totals of one group on each unit.
struct Totals {
  Cycle unit, cores, in, out, ends;
  std::uint64_t posts = 0;

  void core(std::uint64_t times, Cycle each) {
    cores += times * each;
    posts += times;
  }
  void load(std::uint64_t times, Cycle each) {
    in += times * each;
    posts += times;
    ends += each;
  }
  void store(std::uint64_t times, Cycle each) {
    out += times * each;
    posts += times;
    ends += each;
  }
};

/// What a tiling takes, group by group.
class ConvCycles {
 public:
  ConvCycles(const ConvProblem& problem, const ConvTiling& tiling, const TimingSource& timing)
      : p_(problem), t_(tiling), timing_(timing) {}

  Cycle total() {
    const Cycle job = job_cycles();
    if (array_) {
      total_.unit = jobs_ * job;
      total_.posts += jobs_;
    } else {
      total_.core(jobs_, job);
    }
    switch (p_.product) {
      case Product::kForward:
        forward();
        break;
      case Product::kGradWeight:
        grad_weight();
        break;
      case Product::kGradInput:
        grad_input();
        break;
    }
    if (array_) {
      total_.cores = timing_.beside_redmule(total_.cores);
      total_.in = timing_.beside_redmule(total_.in);
      total_.out = timing_.beside_redmule(total_.out);
      total_.unit += jobs_ * timing_.hand_over();
    }
    total_.unit = p_.groups * total_.unit;
    total_.cores = p_.groups * total_.cores;
    total_.in = p_.groups * total_.in;
    total_.out = p_.groups * total_.out;
    const Cycle slowest = std::max({total_.unit, total_.cores, total_.in, total_.out,
                                    p_.groups * total_.posts * timing_.post()});
    return t_.double_buffer ? slowest + (total_.ends + job) / kHiddenParts
                            : total_.unit + total_.cores + total_.in + total_.out;
  }

 private:
  Cycle product(std::uint32_t m, std::uint32_t r, std::uint32_t k) const {
    return array_ ? timing_.redmule(m, r, k) : timing_.kernel(ETUDE_KERNEL_GEMM, {m, k, r});
  }
  Cycle job_cycles() const {
    switch (p_.product) {
      case Product::kForward:
        return product(outputs_, inner_, pixels_);
      case Product::kGradWeight:
        return product(outputs_, pixels_, inner_);
      case Product::kGradInput:
        break;
    }
    return product(inner_, outputs_, pixels_);
  }
  Cycle kernel(etude_kernel number, std::uint32_t rows, std::uint32_t cols) const {
    return timing_.kernel(number, {rows, cols, 1});
  }
  /// Of a kernel that takes the matrix, which has no gaps, as one row.
  Cycle one_row(etude_kernel number, std::uint32_t elements) const {
    return timing_.kernel(number, {1, elements, 1});
  }
  /// Between one sample's part of a tile and its columns.
  Cycle windows(etude_kernel number) const {
    const etude_kernel run = apart_ ? dilated(number) : number;
    switch (number) {
      case ETUDE_KERNEL_IM2COL:
        return timing_.kernel(run, {inner_, g_.out_width, rows_});
      case ETUDE_KERNEL_IM2ROW:
        return timing_.kernel(run, {rows_ * g_.out_width, channels_, g_.taps()});
      default:
        return timing_.kernel(run, {channels_, rows_ * g_.out_width, g_.taps()});
    }
  }
  Cycle moved(bool whole_rows, std::uint32_t r, std::uint32_t c, bool to_l1) const {
    return whole_rows ? timing_.dma(1, bytes_for(std::uint64_t{r} * c), to_l1)
                      : timing_.dma(r, bytes_for(c), to_l1);
  }

  /// Tiles of the weight, decoded where it is packed.
  void weights(std::uint64_t times) {
    if (!p_.packed) {
      total_.load(times, weight_);
      return;
    }
    total_.load(times, p_.packed->load(timing_, outputs_, inner_, n_.channels == 1));
    total_.core(times, p_.packed->decode(timing_, outputs_, inner_, false));
  }

  void forward() {
    const std::uint64_t tiles = std::uint64_t{n_.outputs} * n_.channels;
    const bool stay = tiles <= most_ || (n_.channels == 1 && (t_.outputs_outer || n_.outputs == 1));
    weights(stay ? tiles : tiles * strips_);
    const bool once = n_.outputs == 1 ||
                      (t_.outputs_outer ? strips_ * n_.channels <= most_ : n_.channels <= most_);
    const std::uint64_t made = strips_ * n_.channels * (once ? 1 : n_.outputs);
    if (!(direct_ && p_.x_resident && in_place_) && !(p_.x_resident && !direct_)) {
      total_.load(made, image_);
    }
    if (!direct_) {
      total_.core(made * samples_, windows(ETUDE_KERNEL_IM2COL));
    }
    const std::uint64_t results = strips_ * n_.outputs;
    if (p_.half) {
      total_.core(stay ? tiles : tiles * strips_,
                  one_row(ETUDE_KERNEL_FP32_TO_FP16, outputs_ * inner_));
      total_.core(made, one_row(ETUDE_KERNEL_FP32_TO_FP16, inner_ * pixels_));
      total_.core(results, one_row(ETUDE_KERNEL_FP16_TO_FP32, outputs_ * pixels_) +
                               one_row(ETUDE_KERNEL_FILL, outputs_ * pixels_ / 2));
    }
    if (p_.epilogue) {
      total_.core(results, kernel(ETUDE_KERNEL_AFFINE_ROWS, outputs_, pixels_));
    }
    if (p_.store) {
      total_.store(results, samples_ * moved(images_, outputs_, rows_ * g_.out_width, false));
    }
  }

  void grad_weight() {
    if (!(p_.dy_resident && in_place_)) {
      const std::uint64_t tiles = strips_ * n_.outputs;
      total_.load(tiles <= most_ ? tiles : tiles * n_.channels, gradient_);
    }
    const bool once = n_.outputs == 1 || strips_ <= most_;
    const std::uint64_t made = strips_ * n_.channels * (once ? 1 : n_.outputs);
    if (!(p_.x_resident && (!direct_ || array_ || in_place_))) {
      total_.load(made, image_);
    }
    if (direct_ && array_) {
      total_.core(made, kernel(ETUDE_KERNEL_TRANSPOSE, inner_, pixels_));
    } else if (!direct_) {
      total_.core(made * samples_, windows(array_ ? ETUDE_KERNEL_IM2ROW : ETUDE_KERNEL_IM2COL));
    }
    const std::uint64_t results = std::uint64_t{n_.outputs} * n_.channels;
    if (p_.sgd) {
      total_.core(results * ceil_div(outputs_, t_.update_rows),
                  one_row(ETUDE_KERNEL_SGD, std::min(outputs_, t_.update_rows) * inner_));
      if (!p_.w_resident) {
        total_.load(results, weight_);
      }
    }
    total_.store(results, moved(n_.channels == 1, outputs_, inner_, false));
  }

  void grad_input() {
    const std::uint64_t tiles = std::uint64_t{n_.outputs} * n_.channels;
    const std::uint64_t visits = n_.outputs <= most_ ? tiles : tiles * strips_;
    weights(visits);
    if (array_) {
      total_.core(visits, kernel(ETUDE_KERNEL_TRANSPOSE, outputs_, inner_));
    }
    if (!(p_.dy_resident && in_place_)) {
      const std::uint64_t pieces = strips_ * n_.outputs;
      total_.load(pieces <= most_ ? pieces : pieces * n_.channels, gradient_);
    }
    if (!direct_) {
      total_.core(strips_ * n_.channels * samples_, windows(ETUDE_KERNEL_COL2IM));
      total_.core(std::uint64_t{n_.samples} * n_.channels,
                  one_row(ETUDE_KERNEL_FILL, samples_ * channels_ * g_.image()));
    }
    if (p_.epilogue) {
      total_.core(std::uint64_t{n_.samples} * n_.channels,
                  kernel(ETUDE_KERNEL_AFFINE_ROWS, samples_ * channels_, g_.image()));
    }
    if (p_.store) {
      total_.store(
          std::uint64_t{n_.samples} * n_.channels * (direct_ ? n_.rows : 1),
          moved(!direct_ || images_, channels_, g_.image() / (direct_ ? n_.rows : 1), false) *
              samples_);
    }
  }

  const ConvProblem& p_;
  const ConvTiling& t_;
  const TimingSource& timing_;
  const ConvCounts n_{p_, t_};
  const ImageGeometry& g_ = p_.image;
  const bool array_ = p_.unit == GemmProblem::Unit::kRedmule;
  const bool direct_ = g_.pointwise();
  const bool apart_ = g_.dilation_h > 1 || g_.dilation_w > 1;
  const bool in_place_ = t_.rows == g_.out_height && t_.samples == 1;
  // Averages, so that a last tile that is smaller counts as such.
  const std::uint32_t samples_ = ceil_div(g_.samples, n_.samples);
  const std::uint32_t rows_ = ceil_div(g_.out_height, n_.rows);
  const std::uint32_t pixels_ = samples_ * rows_ * g_.out_width;
  const std::uint32_t outputs_ = ceil_div(p_.outputs, n_.outputs);
  const std::uint32_t channels_ = ceil_div(g_.channels, n_.channels);
  const std::uint32_t inner_ = channels_ * g_.taps();
  const std::uint64_t strips_ = n_.strips();
  const std::uint32_t most_ = t_.double_buffer ? 2 : 1;  ///< tiles that a pair of buffers holds
  const bool images_ = rows_ == g_.out_height;
  const Cycle image_ = samples_ * moved(most_rows_under(g_, t_.rows) == g_.height, channels_,
                                        most_rows_under(g_, rows_) * g_.width, true);
  const Cycle weight_ = moved(n_.channels == 1, outputs_, inner_, true);
  const Cycle gradient_ = samples_ * moved(images_, outputs_, rows_* g_.out_width, true);
  const std::uint64_t jobs_ = strips_ * n_.outputs * n_.channels;
  Totals total_;
};

}  // namespace

Cycle modelled_cycles(const ConvProblem& p, const ConvTiling& t, const TimingSource& timing) {
  return ConvCycles(p, t, timing).total();
}

}  // namespace etude::compiler
