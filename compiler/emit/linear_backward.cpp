// SPDX-License-Identifier: Apache-2.0
// Both gradients of a linear layer on RedMulE, tile by tile of its weight: a tile is loaded once,
// multiplied for dX^T = W dY^T, updated with dW = X^T dY, and stored. No weight is transposed.
#include <algorithm>
#include <optional>

#include "compiler/emit/families.h"
#include "compiler/emit/gemm_plan.h"
#include "compiler/feeds/context.h"
#include "compiler/feeds/operand_feed.h"
#include "compiler/tiling/gemm_tiling.h"
#include "compiler/tiling/linear_backward_tiling.h"
#include "compiler/tiling/pieces.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {

namespace {

/// Columns of a last layer that does not run with its loss and its gradients as one.
constexpr unsigned kApart = ~0u;

/// The gradient with respect to the layer's input alone.
Operator input_part(const Operator& op) {
  Operator part;
  part.node = *op.input_grad;
  part.relu_grad = op.relu_grad;
  return part;
}

/// The gradient with respect to its weight, and the update, alone.
Operator weight_part(const Operator& op) {
  Operator part = op;
  part.node = *op.weight_grad;
  part.relu_grad.reset();
  part.input_grad.reset();
  part.weight_grad.reset();
  return part;
}

class LinearBackward {
 public:
  LinearBackward(LoweringContext& context, const Operator& op)
      : c_(context),
        op_(op),
        array_(context.step.platform.cluster.redmule),
        dx_(context.graph().node(*op.input_grad)),
        dw_(context.graph().node(*op.weight_grad)),
        dy_(dx_.inputs[0]),
        w_(dx_.inputs[1]),
        x_(dw_.inputs[0]),
        result_(op.relu_grad ? context.graph().node(*op.relu_grad).outputs[0] : dx_.outputs[0]),
        batch_(context.rows(dy_)),
        in_(context.rows(w_)),
        out_(context.cols(w_)),
        forward_(op.loss.has_value()),
        dy_rows_(dy_rows(batch_, forward_, array_)) {}

  /// Modelled cycles of the two products apart.
  static Cycle apart(LoweringContext& c, const Operator& op) {
    return plan_gemm(c, input_part(op)).tiling.cycles + plan_gemm(c, weight_part(op)).tiling.cycles;
  }

  bool better_apart() const { return better_apart_; }

  /// False when no tile fits, or tiles so small that the two products are faster apart.
  bool run() {
    for (const Node* node : {&dx_, &dw_}) {
      const auto fixed = c_.step.tiling.operators.find(node->name);
      if (fixed != c_.step.tiling.operators.end()) {
        return false;
      }
    }
    if (batch_ < kLeastReduction || (forward_ && in_ < kLeastReduction)) {
      return false;
    }
    if (!forward_) {
      dy_resident_ = c_.l1.resident(dy_, false);
      dyt_resident_ = c_.l1.resident(dy_, true);
    }
    (void)c_.l1.resident(x_, false);
    (void)c_.l1.resident(x_, true);
    const bool before_apart = forward_ && fixed_columns() == kApart;
    const auto tiles = before_apart ? std::nullopt : c_.tilings.linear_backward.choose(problem());
    if (forward_ && !c_.residents) {  // the loss is added up tile by tile
      c_.cut_at(c_.graph().node(op_.node), {.k = tiles ? tiles->out : kApart});
    }
    if (!tiles) {
      return false;
    }
    t_ = *tiles;
    if (!forward_ && c_.residents) {
      const L1Manager before = c_.l1;
      const Cycle other = apart(c_, op_);
      c_.l1 = before;
      if (other < t_.cycles) {
        better_apart_ = true;
        return false;
      }
    }
    c_.tape.layers[*op_.input_grad].unit = c_.tape.layers[*op_.weight_grad].unit = "redmule";
    if (forward_) {
      c_.tape.layers[op_.node].unit = "redmule";
    }
    take_buffers();
    for (std::uint32_t o = 0; o < out_; o += t_.out) {
      columns(o, std::min(t_.out, out_ - o));
    }
    finish();
    return true;
  }

 private:
  bool in_place() const {
    return dy_resident_ && dy_resident_->pitch == dy_resident_->cols && t_.out == out_;
  }

  /// The problem of its tiles, as L1 stands now.
  LinearBackwardProblem problem() const {
    LinearBackwardProblem p;
    p.batch = batch_;
    p.in = in_;
    p.out = out_;
    p.forward = forward_;
    p.bias = op_.bias_sum.has_value();
    p.x_resident = c_.l1.has_resident(x_, false);
    p.xt_resident = c_.l1.has_resident(x_, true);
    p.dy_dense = dy_resident_ && dy_resident_->pitch == dy_resident_->cols;
    p.dyt_resident = dyt_resident_.has_value();
    p.may_keep = c_.worth_keeping(result_) && 2 * c_.bytes(result_) <= c_.l1.capacity() / 4;
    p.double_buffer = c_.step.tiling.double_buffer;
    p.least_columns = c_.sharing.least_columns;
    p.out_tile = forward_ ? fixed_columns() : 0;
    p.l1_bytes = c_.l1.available();
    p.preferred = c_.part_of_l1(c_.sharing.backward);
    return p;
  }

  std::uint32_t fixed_columns() const { return c_.fixed_cut(c_.graph().node(op_.node)).k; }

  void take_buffers() {
    const std::uint32_t tiles = ceil_div(in_, t_.in) * ceil_div(out_, t_.out);
    const std::uint32_t copies = std::min(t_.copies, tiles);
    xt_ = transposed_x();
    zt_ = {c_.l1.take(bytes_for(stored_rows(GemmProblem::Unit::kRedmule, in_, array_) * batch_) +
                      read_ahead(in_, batch_, array_)),
           in_, batch_, batch_};
    const Bytes t_bytes =
        bytes_for(batch_ * (t_.keep ? in_ : t_.in)) + read_ahead(batch_, in_, array_);
    for (std::uint32_t i = 0; i < (t_.keep ? 1 : 2); ++i) {
      t_buffers_.push_back(c_.l1.take(t_bytes));
    }
    for (std::uint32_t i = 0; i < copies; ++i) {
      w_buffers_.push_back(
          c_.l1.take(bytes_for(t_.in * t_.out) + read_ahead(t_.in, t_.out, array_)));
      g_buffers_.push_back(
          c_.l1.take(bytes_for(stored_rows(GemmProblem::Unit::kRedmule, t_.in, array_) * t_.out)));
    }
    const std::uint32_t feeds = std::min(2u, ceil_div(out_, t_.out));
    for (std::uint32_t i = 0; i < feeds; ++i) {
      if (!in_place()) {
        dy_buffers_.push_back(
            c_.l1.take(bytes_for(dy_rows_ * t_.out) + read_ahead(batch_, t_.out, array_)));
      }
      if (!dyt_resident_) {
        dyt_buffers_.push_back(
            c_.l1.take(bytes_for(batch_ * t_.out) + read_ahead(t_.out, batch_, array_)));
      }
    }
    if (forward_) {
      take_forward(feeds);
    }
    if (op_.bias_sum) {
      bias_ = {c_.l1.take(bytes_for(out_)), 1, out_, out_};
      sums_ = {c_.l1.take(bytes_for(out_)), 1, out_, out_};
      c_.layer(*op_.bias_sgd);
      c_.tape.load(c_.stored(c_.graph().node(*op_.bias_sgd).inputs[0]), bias_);
    }
  }

  /// X^T as a whole: first factor of dW, and the mask of dX^T.
  L1Matrix transposed_x() {
    if (const auto found = c_.l1.resident(x_, true)) {
      return *found;
    }
    c_.layer(*op_.weight_grad);
    L1Matrix from;
    if (const auto found = c_.l1.resident(x_, false)) {
      from = *found;
    } else {
      from = {c_.l1.take(bytes_for(in_ * batch_)), batch_, in_, in_};
      c_.tape.load(c_.stored(x_), from);
    }
    const L1Matrix to{c_.l1.take(bytes_for(in_ * batch_) + read_ahead(in_, batch_, array_)), in_,
                      batch_, batch_};
    c_.tape.transpose(from, to, nullptr);
    return to;
  }

  void take_forward(std::uint32_t feeds) {
    const auto found = c_.l1.resident(x_, false);
    if (found && found->pitch == found->cols) {
      x_matrix_ = *found;
    } else {
      x_matrix_ = {c_.l1.take(bytes_for(in_ * batch_) + read_ahead(batch_, in_, array_)), batch_,
                   in_, in_};
      c_.layer(op_.node);
      c_.tape.load(c_.stored(x_), x_matrix_);
    }
    for (std::uint32_t i = 0; i < feeds; ++i) {
      target_buffers_.push_back(c_.l1.take(bytes_for(batch_ * t_.out)));
    }
  }

  /// Columns o.. of the result, compared with the target: the gradient takes the result's place.
  L1Matrix forward(std::uint32_t o, std::uint32_t count, std::size_t turn) {
    c_.layer(op_.node);
    const L1Matrix w{w_buffers_[turn_ % w_buffers_.size()], in_, count, count};
    c_.tape.load(c_.stored(w_, 0, o), w);
    const L1Matrix y{dy_buffers_[turn % dy_buffers_.size()], batch_, count, count};
    c_.tape.broadcast_row(bias_.address + bytes_for(o), y);
    c_.tape.redmule(x_matrix_, w, y, dy_rows_, true);
    c_.layer(*op_.loss);
    const TensorId target = c_.graph().node(*op_.loss).inputs[1];
    const L1Matrix t{target_buffers_[turn % target_buffers_.size()], batch_, count, count};
    c_.tape.load(c_.stored(target, 0, o), t);
    const auto elements = static_cast<double>(c_.tensor(target).elements());
    c_.tape.mse(y, t, y, c_.loss_cell, static_cast<float>(1.0 / elements),
                static_cast<float>(2.0 / elements));
    return y;
  }

  void columns(std::uint32_t o, std::uint32_t count) {
    const std::size_t turn = o / t_.out;
    L1Matrix dy, dyt;
    if (in_place()) {
      dy = *dy_resident_;
    } else if (forward_) {
      dy = forward(o, count, turn);
    } else {
      c_.layer(*op_.input_grad);
      dy = {dy_buffers_[turn % dy_buffers_.size()], batch_, count, count};
      c_.tape.load(c_.stored(dy_, 0, o), dy);
    }
    if (dyt_resident_) {
      dyt = dyt_resident_->slice(o, 0, count, batch_);
    } else {
      c_.layer(*op_.input_grad);
      dyt = {dyt_buffers_[turn % dyt_buffers_.size()], count, batch_, batch_};
      c_.tape.transpose(dy, dyt, nullptr);
    }
    for (std::uint32_t i = 0; i < in_; i += t_.in) {
      tile(i, std::min(t_.in, in_ - i), o, dy, dyt);
    }
    if (op_.bias_sum) {
      c_.layer(*op_.bias_sum);
      c_.tape.column_sum(dy, sums_.address + bytes_for(o), false);
    }
  }

  void tile(std::uint32_t i, std::uint32_t rows, std::uint32_t o, const L1Matrix& dy,
            const L1Matrix& dyt) {
    const std::uint32_t cols = dy.cols;
    const std::uint32_t stored = stored_rows(GemmProblem::Unit::kRedmule, rows, array_);
    const L1Matrix w{w_buffers_[turn_ % w_buffers_.size()], rows, cols, cols};
    const L1Matrix g{g_buffers_[turn_ % g_buffers_.size()], rows, cols, cols};
    c_.layer(*op_.input_grad);
    if (!forward_) {
      c_.tape.load(c_.stored(w_, i, o), w);
    }
    const L1Matrix z = zt_.slice(i, 0, rows, batch_);
    c_.tape.redmule(w, dyt, z, stored, o > 0);
    if (o + cols == out_) {
      input_gradient(i, z);
    }
    c_.layer(*op_.weight_grad);
    c_.tape.redmule(xt_.slice(i, 0, rows, batch_), dy, g, stored, false);
    c_.layer(*op_.sgd);
    const auto lr = static_cast<float>(c_.graph().node(*op_.sgd).real("lr"));
    c_.tape.sgd(w, g, lr);
    c_.tape.probe({dw_.outputs[0], g, bytes_for(i * out_ + o), bytes_for(out_)});
    c_.tape.store(w, c_.stored(w_, i, o));
    ++turn_;
  }

  /// Rows i.. of dX^T are complete: mask, and columns i.. of dX.
  void input_gradient(std::uint32_t i, const L1Matrix& z) {
    c_.layer(op_.relu_grad.value_or(*op_.input_grad));
    if (op_.relu_grad) {
      c_.tape.relu_grad(z, xt_.slice(i, 0, z.rows, batch_), z);
    }
    if (t_.keep) {
      const L1Matrix whole{t_buffers_[0], batch_, in_, in_};
      c_.tape.transpose(z, whole.slice(0, i, batch_, z.rows), nullptr);
      return;
    }
    const L1Matrix piece{t_buffers_[turn_ % t_buffers_.size()], batch_, z.rows, z.rows};
    c_.tape.transpose(z, piece, nullptr);
    c_.tape.store(piece, c_.stored(result_, 0, i));
  }

  void finish() {
    if (t_.keep) {
      const L1Matrix whole{t_buffers_[0], batch_, in_, in_};
      c_.layer(op_.relu_grad.value_or(*op_.input_grad));
      c_.tape.store(whole, c_.stored(result_));
      c_.l1.keep(result_, false, whole);
      c_.l1.keep(result_, true, zt_);
    }
    if (op_.bias_sum) {
      const Node& sgd = c_.graph().node(*op_.bias_sgd);
      c_.layer(*op_.bias_sgd);
      c_.tape.sgd(bias_, sums_, static_cast<float>(sgd.real("lr")));
      c_.tape.probe({sgd.inputs[1], sums_, {}, bytes_for(out_)});
      c_.tape.store(bias_, c_.stored(sgd.inputs[0]));
      c_.l1.drop(sgd.inputs[0]);
    }
    if (forward_) {
      c_.layer(*op_.loss);
      c_.tape.store({c_.loss_cell, 1, 1, 1}, c_.stored(c_.graph().node(*op_.loss).outputs[0]));
    }
    c_.l1.drop(w_);
  }

  LoweringContext& c_;
  const Operator& op_;
  const RedmuleConfig& array_;
  const Node& dx_;
  const Node& dw_;
  TensorId dy_, w_, x_, result_;
  std::uint32_t batch_, in_, out_;
  bool forward_;  ///< the layer's forward pass and the loss are part of it
  std::uint32_t dy_rows_;
  L1Matrix x_matrix_;
  std::vector<Address> target_buffers_;
  std::optional<L1Matrix> dy_resident_;
  std::optional<L1Matrix> dyt_resident_;
  LinearBackwardTiling t_;
  bool better_apart_ = false;
  L1Matrix xt_, zt_, bias_, sums_;
  std::vector<Address> t_buffers_, w_buffers_, g_buffers_, dy_buffers_, dyt_buffers_;
  std::size_t turn_ = 0;
};

}  // namespace

void lower_linear_backward(LoweringContext& context, const Operator& op) {
  LinearBackward joined(context, op);
  if (joined.run()) {
    return;
  }
  if (joined.better_apart()) {
    context.l1.unpin();
    lower_gemm(context, input_part(op));
    context.l1.end_operator();
    context.l1.unpin();
    lower_gemm(context, weight_part(op));
    return;
  }
  if (context.residents) {
    throw NoRoom{};  // once more with an empty L1
  }
  const auto apart = [&](const Operator& part) {
    lower_gemm(context, part);
    context.l1.end_operator();
    context.l1.begin_operator(static_cast<std::uint32_t>(context.current));
    context.l1.clear();
  };
  if (op.loss) {
    Operator forward;
    forward.node = op.node;
    forward.loss = op.loss;
    forward.loss_grad = op.loss_grad;
    apart(forward);
    Operator backward = op;
    backward.node = *op.input_grad;
    backward.loss.reset();
    backward.loss_grad.reset();
    lower_linear_backward(context, backward);
    return;
  }
  apart(input_part(op));
  lower_gemm(context, weight_part(op));
}

}  // namespace etude::compiler
