// SPDX-License-Identifier: Apache-2.0
// A matrix multiplication with everything that runs on its tiles: bias, ReLU, mask, update.
#include <algorithm>
#include <optional>

#include "compiler/emit/families.h"
#include "compiler/emit/gemm_plan.h"
#include "compiler/feeds/context.h"
#include "compiler/feeds/operand_feed.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

class GemmLowering {
 public:
  GemmLowering(LoweringContext& context, const Operator& op)
      : c_(context), op_(op), plan_(plan_gemm(context, op)), p_(plan_.problem), t_(plan_.tiling) {}

  void run() {
    const RedmuleConfig& array = c_.step.platform.cluster.redmule;
    for (NodeId member : op_.nodes()) {
      if (c_.graph().node(member).op == OpType::kGemm) {
        c_.tape.layers[member].unit = p_.unit == Unit::kRedmule ? "redmule" : "cores";
      }
    }
    prelude();
    OperandFeed x(c_, plan_.x[0], p_.x, p_.unit, {p_.m, p_.n, t_.m, t_.n, false}, t_.double_buffer,
                  p_.count, p_.half);
    OperandFeed w(c_, plan_.w[0], p_.w, p_.unit, {p_.n, p_.k, t_.n, t_.k, true}, t_.double_buffer,
                  p_.count, p_.half);
    take_buffers(array);
    const std::uint32_t outer_end = t_.m_outer ? p_.m : p_.k;
    const std::uint32_t inner_end = t_.m_outer ? p_.k : p_.m;
    const std::uint32_t outer_step = t_.m_outer ? t_.m : t_.k;
    const std::uint32_t inner_step = t_.m_outer ? t_.k : t_.m;
    for (member_ = 0; member_ < p_.count; ++member_) {
      x.rebind(plan_.x[member_]);
      w.rebind(plan_.w[member_]);
      for (std::uint32_t outer = 0; outer < outer_end; outer += outer_step) {
        for (std::uint32_t inner = 0; inner < inner_end; inner += inner_step) {
          tile(t_.m_outer ? outer : inner, t_.m_outer ? inner : outer, x, w);
        }
      }
    }
    if (p_.sgd && p_.sgd_resident && t_.k != p_.k) {
      c_.layer(*op_.sgd);
      c_.tape.store(*parameter_resident_, c_.stored(plan_.parameter));
    }
    if (p_.column_sums) {
      update_bias();
    }
    finish(x, w);
  }

 private:
  /// Transposed views that are used by several tiles or operators are made once.
  void prelude() {
    for (TensorId tensor : plan_.transpose_first) {
      if (c_.l1.has_resident(tensor, true)) {
        continue;
      }
      c_.layer(op_.node);
      const std::uint32_t rows = c_.rows(tensor);
      const std::uint32_t cols = c_.cols(tensor);
      L1Matrix from;
      if (const auto resident = c_.l1.resident(tensor, false)) {
        from = *resident;
      } else if (c_.packed(tensor) != nullptr) {
        throw NoRoom{};  // it gave way since it was planned with
      } else {
        from = {c_.l1.take(bytes_for(rows * cols)), rows, cols, cols};
        c_.tape.load(c_.stored(tensor), from);
      }
      const RedmuleConfig& array = c_.step.platform.cluster.redmule;
      const L1Matrix to{c_.l1.take(bytes_for(rows * cols) + read_ahead(cols, rows, array)), cols,
                        rows, rows};
      c_.tape.transpose(from, to, nullptr);
      c_.l1.keep(tensor, true, to);
    }
  }

  void take_buffers(const RedmuleConfig& array) {
    const auto copies = [&](std::uint32_t m_step, std::uint32_t k_step) {
      const std::uint32_t tiles =
          ((p_.m + m_step - 1) / m_step) * ((p_.k + k_step - 1) / k_step) * p_.count;
      return std::min(tiles, t_.double_buffer ? 2u : 1u);
    };
    const std::uint32_t count = copies(t_.m, t_.k);
    const std::uint32_t z_rows = t_.keep_z
                                     ? (p_.count - 1) * p_.m + stored_rows(p_.unit, p_.m, array)
                                     : stored_rows(p_.unit, t_.m, array);
    const std::uint32_t z_cols = p_.unit == Unit::kCores ? t_.k | 1u : t_.k;
    // A later job may read this result: RedMulE reads ahead to a multiple of H rows and D elements.
    const auto ahead = [&](std::uint32_t rows, std::uint32_t cols) {
      return t_.keep_z && p_.unit == Unit::kRedmule ? read_ahead(rows, cols, array) : Bytes{};
    };
    const Bytes z_bytes = bytes_for(z_rows * z_cols) + ahead(z_rows, z_cols);
    for (std::uint32_t i = 0; i < (t_.keep_z ? 1 : count); ++i) {
      in_addend_ = take_over_addend(z_bytes);
      z_.push_back(in_addend_ ? in_addend_->address : c_.l1.take(z_bytes));
    }
    for (std::uint32_t i = 0; p_.half && i < count; ++i) {
      half_z_.push_back(c_.l1.take(half_bytes(stored_rows(p_.unit, t_.m, array), t_.k, array)));
      if (p_.addend || p_.bias) {
        product_.push_back(c_.l1.take(bytes_for(t_.m * t_.k)));
      }
    }
    if (p_.transpose_z) {
      for (std::uint32_t i = 0; i < (t_.keep_z ? 1 : count); ++i) {
        t_buffers_.push_back(
            c_.l1.take(bytes_for(t_.keep_z ? p_.k * p_.m : t_.k * t_.m) + ahead(p_.k, p_.m)));
      }
    }
    const std::uint32_t rows = p_.transpose_z ? t_.k : t_.m;
    const std::uint32_t cols = p_.transpose_z ? t_.m : t_.k;
    if (p_.loss || (p_.mask && !p_.mask_resident)) {
      for (std::uint32_t i = 0; i < count; ++i) {
        mask_.push_back(c_.l1.take(bytes_for(rows * (cols | 1u))));
      }
    }
    if (p_.sgd && p_.sgd_resident) {
      parameter_resident_ = *c_.l1.resident(plan_.parameter, false);
    } else if (p_.sgd) {
      const std::uint32_t tiles = ((p_.m + t_.m - 1) / t_.m) * ((p_.k + t_.k - 1) / t_.k);
      for (std::uint32_t i = 0; i < update_copies(t_, tiles); ++i) {
        parameter_.push_back(
            c_.l1.take(bytes_for(rows * (p_.unit == Unit::kCores ? cols | 1u : cols))));
      }
    }
    if (p_.bias || p_.column_sums) {
      bias_ = {c_.l1.take(bytes_for(p_.k)), 1, p_.k, p_.k};
      const NodeId reader = p_.bias ? op_.node : *op_.bias_sgd;
      const TensorId tensor = p_.bias ? *plan_.bias : c_.graph().node(reader).inputs[0];
      c_.layer(reader);
      c_.tape.load({c_.tape.object_of.at(c_.step.storage.base(tensor)), {}, p_.k}, bias_);
      if (plan_.second_bias) {
        const L1Matrix second{c_.l1.take(bytes_for(p_.k)), 1, p_.k, p_.k};
        c_.tape.load({c_.tape.object_of.at(c_.step.storage.base(*plan_.second_bias)), {}, p_.k},
                     second);
        c_.tape.add(bias_, second, bias_);
      }
    }
    if (p_.column_sums) {
      sums_ = {c_.l1.take(bytes_for(p_.k)), 1, p_.k, p_.k};
    }
  }

  std::uint32_t z_pitch(std::uint32_t cols, bool full_rows) const {
    return p_.dense_z ? cols : tile_pitch(p_.unit, cols, full_rows);
  }

  /// The addend's own place in L1, where the result can take it over: nobody reads it again.
  std::optional<L1Matrix> take_over_addend(Bytes bytes) {
    const bool one = t_.keep_z && t_.m == p_.m && t_.k == p_.k && p_.count == 1;
    if (!one || !p_.addend_resident || p_.transpose_z || c_.next_use(*plan_.added) != ~0ul) {
      return std::nullopt;
    }
    const TensorId base = c_.step.storage.base(*plan_.added);
    const auto stands = c_.l1.resident(*plan_.added);
    if (base == plan_.x[0].base || base == plan_.w[0].base || !stands || stands->cols != p_.k ||
        stands->pitch != z_pitch(p_.k, true)) {
      return std::nullopt;
    }
    return c_.l1.adopt(*plan_.added, bytes);
  }

  /// What a tile of the result starts from.
  void start_from(std::uint32_t m0, std::uint32_t k0, const L1Matrix& z) {
    if (p_.addend && !in_addend_) {
      c_.layer(op_.add.value_or(op_.node));
      const MatrixView& addend = plan_.addend[member_];
      const auto resident = p_.addend_resident ? c_.resident(addend) : std::nullopt;
      if (resident) {
        c_.tape.copy(resident->slice(m0, k0, z.rows, z.cols), z);
      } else {
        c_.tape.load(c_.stored(addend, m0, k0), z);
      }
    }
    c_.layer(op_.node);
    if (p_.unit == Unit::kRedmule && p_.bias) {
      if (p_.addend) {
        c_.tape.add_row(z, bias_.at(0, k0), z);
      } else {
        c_.tape.broadcast_row(bias_.at(0, k0), z);
      }
    }
  }

  void tile(std::uint32_t m0, std::uint32_t k0, OperandFeed& x, OperandFeed& w) {
    const std::uint32_t m = std::min(t_.m, p_.m - m0);
    const std::uint32_t k = std::min(t_.k, p_.k - k0);
    const bool array = p_.unit == Unit::kRedmule;
    L1Matrix z;
    if (t_.keep_z) {
      z = L1Matrix{z_[0], p_.count * p_.m, p_.k, z_pitch(p_.k, true)}.slice(member_ * p_.m + m0, 0,
                                                                            m, k);
    } else {
      z = {z_[turn_ % z_.size()], m, k, z_pitch(k, k == p_.k)};
    }
    start_from(m0, k0, z);
    if (p_.half) {
      half_product(m0, k0, z, x, w);
      epilogue(m0, k0, z);
      ++turn_;
      return;
    }
    for (std::uint32_t n0 = 0; n0 < p_.n; n0 += t_.n) {
      const std::uint32_t n = std::min(t_.n, p_.n - n0);
      c_.layer(op_.node);
      const L1Matrix left = x.fetch(m0, n0, m, n);
      const L1Matrix right = w.fetch(n0, k0, n, k);
      if (p_.column_sums && m0 == 0) {
        c_.layer(*op_.bias_sum);
        c_.tape.column_sum(right, sums_.at(0, k0), n0 > 0);
        c_.layer(op_.node);
      }
      if (array) {
        c_.tape.redmule(left, right, z, stored_rows(p_.unit, m, c_.step.platform.cluster.redmule),
                        p_.bias || p_.addend || n0 > 0);
      } else {
        std::uint32_t flags =
            (p_.x.transpose ? ETUDE_GEMM_TRANS_A : 0u) | (p_.w.transpose ? ETUDE_GEMM_TRANS_B : 0u);
        flags |= n0 > 0 || p_.addend ? ETUDE_GEMM_ACCUMULATE : 0u;
        flags |= n0 == 0 && p_.bias ? ETUDE_GEMM_BIAS : 0u;
        flags |= p_.relu && n0 + n == p_.n ? ETUDE_GEMM_RELU : 0u;
        c_.tape.gemm(left, right, z, n, p_.bias ? bias_.at(0, k0) : Address{}, flags);
      }
    }
    epilogue(m0, k0, z);
    ++turn_;
  }

  /// A tile in FP16: the product from zero on; its sum with bias and addend in FP32.
  void half_product(std::uint32_t m0, std::uint32_t k0, const L1Matrix& z, OperandFeed& x,
                    OperandFeed& w) {
    const std::uint32_t rows = stored_rows(p_.unit, z.rows, c_.step.platform.cluster.redmule);
    const L1Matrix half{half_z_[turn_ % half_z_.size()], z.rows, z.cols, z.cols, DType::kFloat16};
    c_.layer(op_.node);
    c_.tape.clear({half.address, rows, half.cols, half.pitch, half.type});
    for (std::uint32_t n0 = 0; n0 < p_.n; n0 += t_.n) {
      const std::uint32_t n = std::min(t_.n, p_.n - n0);
      const L1Matrix left = x.fetch(m0, n0, z.rows, n);
      const L1Matrix right = w.fetch(n0, k0, n, z.cols);
      if (p_.column_sums && m0 == 0) {
        c_.layer(*op_.bias_sum);
        c_.tape.column_sum(w.unconverted(), sums_.at(0, k0), n0 > 0);
        c_.layer(op_.node);
      }
      c_.tape.redmule(left, right, half, rows, true);
    }
    if (!p_.addend && !p_.bias) {
      c_.tape.convert(half, z);
      return;
    }
    const L1Matrix product{product_[turn_ % product_.size()], z.rows, z.cols, z.cols};
    c_.tape.convert(half, product);
    c_.tape.add(z, product, z);
  }

  void epilogue(std::uint32_t m0, std::uint32_t k0, const L1Matrix& z) {
    if (p_.unit == Unit::kRedmule && p_.relu) {
      c_.layer(*op_.relu);
      c_.tape.relu(z);
    }
    L1Matrix result = z;  // in the stored orientation from here on
    std::uint32_t row = m0, col = k0;
    if (p_.transpose_z) {
      row = k0;
      col = m0;
      const auto mask = p_.mask ? c_.l1.resident(plan_.mask, true) : std::nullopt;
      if (mask) {
        const L1Matrix piece = mask->slice(m0, k0, z.rows, z.cols);
        c_.layer(*op_.relu_grad);
        c_.tape.relu_grad(z, piece, z);
      }
      if (t_.keep_z) {
        result = L1Matrix{t_buffers_[0], p_.k, p_.m, p_.m}.slice(row, col, z.cols, z.rows);
      } else {
        result = {t_buffers_[turn_ % t_buffers_.size()], z.cols, z.rows, z.rows};
      }
      c_.layer(op_.node);
      c_.tape.transpose(z, result, nullptr);
      if (p_.mask && !mask) {
        apply_mask(row, col, result);
      }
    } else if (p_.mask) {
      apply_mask(row, col, result);
    }
    if (p_.loss) {
      loss(row, col, result);
    } else if (p_.sgd) {
      update(row, col, result);
    } else if (!(t_.keep_z && p_.transpose_z)) {
      c_.layer(
          op_.relu.value_or(op_.relu_grad.value_or(op_.row.value_or(op_.add.value_or(op_.node)))));
      c_.tape.store(result, c_.stored(plan_.z[member_], row, col));
    }
  }

  void apply_mask(std::uint32_t row, std::uint32_t col, const L1Matrix& result) {
    L1Matrix mask;
    c_.layer(*op_.relu_grad);
    if (p_.mask_resident) {
      mask = c_.l1.resident(plan_.mask, false)->slice(row, col, result.rows, result.cols);
    } else {
      const bool dense = result.cols == c_.cols(plan_.mask);
      mask = {mask_[turn_ % mask_.size()], result.rows, result.cols,
              tile_pitch(p_.unit, result.cols, dense)};
      c_.tape.load(c_.stored(plan_.mask, row, col), mask);
    }
    c_.tape.relu_grad(result, mask, result);
  }

  void loss(std::uint32_t row, std::uint32_t col, const L1Matrix& y) {
    c_.layer(*op_.loss);
    const bool dense = y.cols == c_.cols(plan_.mask);
    const L1Matrix t{mask_[turn_ % mask_.size()], y.rows, y.cols,
                     tile_pitch(p_.unit, y.cols, dense)};
    c_.tape.load(c_.stored(plan_.mask, row, col), t);
    const auto elements = static_cast<double>(c_.tensor(plan_.mask).elements());
    c_.tape.mse(y, t, t, c_.loss_cell, static_cast<float>(1.0 / elements),
                static_cast<float>(2.0 / elements));
    c_.layer(*op_.loss_grad);
    c_.tape.store(t, c_.stored(plan_.result, row, col));
  }

  void update(std::uint32_t row, std::uint32_t col, const L1Matrix& gradient) {
    const auto lr = static_cast<float>(c_.graph().node(*op_.sgd).real("lr"));
    c_.layer(*op_.sgd);
    L1Matrix parameter;
    if (p_.sgd_resident) {
      parameter = parameter_resident_->slice(row, col, gradient.rows, gradient.cols);
    } else {
      const bool dense = gradient.cols == c_.cols(plan_.parameter);
      parameter = {parameter_[turn_ % parameter_.size()], gradient.rows, gradient.cols,
                   tile_pitch(p_.unit, gradient.cols, dense)};
      c_.tape.load(c_.stored(plan_.parameter, row, col), parameter);
    }
    c_.tape.sgd(parameter, gradient, lr);
    const std::uint32_t whole = c_.cols(plan_.parameter);
    c_.tape.probe({c_.graph().node(op_.node).outputs[0], gradient, bytes_for(row * whole + col),
                   bytes_for(whole)});
    if (!(p_.sgd_resident && t_.k != p_.k)) {
      c_.tape.store(parameter, c_.stored(plan_.parameter, row, col));
    }
  }

  void update_bias() {
    const Node& sgd = c_.graph().node(*op_.bias_sgd);
    c_.layer(*op_.bias_sgd);
    c_.tape.sgd(bias_, sums_, static_cast<float>(sgd.real("lr")));
    c_.tape.probe({sgd.inputs[1], sums_, {}, bytes_for(p_.k)});
    c_.tape.store(bias_, c_.stored(sgd.inputs[0]));
    c_.l1.drop(sgd.inputs[0]);
  }

  void finish(OperandFeed& x, OperandFeed& w) {
    x.keep_whole();
    w.keep_whole();
    if (p_.sgd) {
      c_.l1.drop(plan_.parameter);
    }
    if (p_.loss) {
      const Node& node = c_.graph().node(*op_.loss);
      c_.layer(*op_.loss);
      c_.tape.store({c_.loss_cell, 1, 1, 1}, c_.stored(node.outputs[0]));
    }
    if (!t_.keep_z) {
      return;
    }
    const L1Matrix z{z_[0], p_.count * p_.m, p_.k, z_pitch(p_.k, true)};
    if (!p_.transpose_z) {
      c_.l1.keep(plan_.result, false, z);
      return;
    }
    const L1Matrix whole{t_buffers_[0], p_.k, p_.m, p_.m};
    c_.layer(op_.relu_grad.value_or(op_.node));
    c_.tape.store(whole, c_.stored(plan_.result));
    c_.l1.keep(plan_.result, false, whole);
    if (!p_.mask || c_.l1.has_resident(plan_.mask, true)) {
      c_.l1.keep(plan_.result, true, z);  // masked as well
    }
  }

  LoweringContext& c_;
  const Operator& op_;
  const GemmPlan plan_;
  const GemmProblem& p_;
  const GemmTiling& t_;
  std::vector<Address> z_, t_buffers_, mask_, parameter_, half_z_, product_;
  std::optional<L1Matrix> parameter_resident_;
  std::optional<L1Matrix> in_addend_;  ///< where the result takes over its addend
  L1Matrix bias_, sums_;
  std::uint32_t member_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace

void lower_gemm(LoweringContext& context, const Operator& op) { GemmLowering(context, op).run(); }

}  // namespace etude::compiler
