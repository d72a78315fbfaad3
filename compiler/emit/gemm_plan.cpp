// SPDX-License-Identifier: Apache-2.0
#include "compiler/emit/gemm_plan.h"

#include <optional>

#include "compiler/operators/not_available.h"
#include "models/base/error.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

class Planner {
 public:
  Planner(LoweringContext& context, const Operator& op)
      : c_(context), op_(op), node_(context.graph().node(op.node)) {
    if (const auto found = c_.step.tiling.operators.find(node_.name);
        found != c_.step.tiling.operators.end()) {
      fixed_ = found->second;
    }
    keep_order();
    find_tensors();
  }

  GemmPlan run() {
    std::optional<GemmPlan> best;
    std::optional<UserError> error;
    Choice chosen;
    // Residents that are used in place take L1 from the tiles; sometimes the tiles need it more.
    const auto attempt_with = [&](Unit unit, bool swap, bool use_x, bool use_w) {
      use_x_ = use_x;
      use_w_ = use_w;
      c_.l1.unpin();
      GemmPlan plan = candidate(unit, swap);
      const bool used = plan.problem.x.resident || plan.problem.w.resident;
      try {
        plan.tiling = c_.tilings.gemm.choose(node_.name, plan.problem, limits(plan));
      } catch (const UserError& e) {
        error = e;
        return used;
      }
      for (TensorId tensor : plan.transpose_first) {
        plan.tiling.cycles += c_.l1.has_resident(tensor, true) ? Cycle{} : kHiddenTranspose;
      }
      if (!best || plan.tiling.cycles < best->tiling.cycles) {
        best = plan;
        chosen = {unit, swap, use_x, use_w};
      }
      return used;
    };
    const auto attempt = [&](Unit unit, bool swap) {
      if (attempt_with(unit, swap, true, true) && c_.residents) {
        attempt_with(unit, swap, true, false);
        attempt_with(unit, swap, false, true);
        attempt_with(unit, swap, false, false);
      }
    };
    if (c_.step.redmule && fixed_.unit != TileConfig::Unit::kCores) {
      attempt(Unit::kRedmule, false);
      const bool row_epilogue =
          op_.relu || op_.sgd || op_.loss || op_.add || op_.row || node_.inputs.size() > 2;
      if (!row_epilogue) {
        attempt(Unit::kRedmule, true);
      }
    }
    if (!c_.step.redmule || fixed_.unit != TileConfig::Unit::kRedmule) {
      attempt(Unit::kCores, false);
    }
    if (!best) {
      if (c_.residents) {
        throw NoRoom{};
      }
      throw *error;
    }
    use_x_ = chosen.use_x;
    use_w_ = chosen.use_w;
    c_.l1.unpin();
    (void)candidate(chosen.unit, chosen.swap);  // what it uses stays
    for (TensorId tensor : best->transpose_first) {
      (void)c_.l1.resident(tensor, true);
    }
    note_order(*best);
    return *best;
  }

 private:
  /// The node whose bits depend on tiles or unit.
  const Node& summed() const { return op_.loss ? c_.graph().node(*op_.loss) : node_; }

  /// The loss is added up tile by tile, and FP16 has other bits than FP32.
  void keep_order() {
    const TileConfig before = c_.fixed_cut(summed());
    fixed_.unit = fixed_.unit == TileConfig::Unit::kAuto ? before.unit : fixed_.unit;
    fixed_.m = fixed_.m == 0 ? before.m : fixed_.m;
    fixed_.k = fixed_.k == 0 ? before.k : fixed_.k;
  }

  void note_order(const GemmPlan& plan) {
    if (!op_.loss && !c_.step.half) {
      return;
    }
    TileConfig where;
    where.unit =
        plan.problem.unit == Unit::kRedmule ? TileConfig::Unit::kRedmule : TileConfig::Unit::kCores;
    if (op_.loss) {
      where.m = plan.tiling.m;
      where.k = plan.tiling.k;
    }
    c_.cut_at(summed(), where);
  }

  struct Choice {
    Unit unit = Unit::kCores;
    bool swap = false, use_x = true, use_w = true;
  };

  /// A transposition beforehand usually runs on idle cores; it should still not be free.
  static constexpr Cycle kHiddenTranspose{200};

  /// The factor opT(tensor), seen by the unit with or without another transposition.
  OperandSource source(Unit unit, TensorId tensor, const MatrixView& view, bool transpose,
                       bool use_residents, GemmPlan& plan) {
    OperandSource found = plain_source(unit, tensor, view, transpose, use_residents, plan);
    if (const PackedObjects* stored = c_.packed(view.base)) {
      found.packed = {stored->weight.form.number, stored->weight.form.scale_per_row};
    }
    return found;
  }

  OperandSource plain_source(Unit unit, TensorId tensor, const MatrixView& view, bool transpose,
                             bool use_residents, GemmPlan& plan) {
    transpose = transpose != view.transposed;
    if (!use_residents) {
      return {false, transpose, false, false};
    }
    const bool one = plan.problem.count == 1 && c_.step.whole(view);
    const bool worth = one && c_.worth_keeping(tensor);
    const auto found = c_.resident(view);
    if (unit == Unit::kCores) {
      return {found.has_value(), transpose, false, worth};
    }
    const Bytes bytes = c_.bytes(tensor);
    if (transpose && one && c_.residents && view.cols == c_.cols(view.base) &&
        (c_.l1.has_resident(view.base, true) ||
         (bytes <= c_.l1.capacity() / 8 && c_.packed(view.base) == nullptr))) {
      plan.transpose_first.push_back(view.base);
      return {true, false, true, false};
    }
    // The array reads dense matrices only; the cores transpose and convert from any.
    const bool usable =
        c_.step.half ? found && !transpose : found && (transpose || found->pitch == found->cols);
    return {usable, transpose, false, !transpose && worth};
  }

  bool usable(Unit unit, TensorId tensor, bool transposed) {
    const auto found = c_.l1.resident(tensor, transposed);
    return found && (unit == Unit::kCores || found->pitch == found->cols);
  }

  /// Factors, result and addend as matrices: one product if the rows of a stack can be counted
  /// together, else one for each matrix of the stack.
  void find_views(GemmPlan& plan) const {
    const TensorId y = node_.outputs[0];
    const auto add = [&](TensorId id, const Shape& leading, std::vector<MatrixView>& to) {
      if (leading.empty()) {
        to = {*c_.step.storage.as_matrix(id)};
        return;
      }
      const auto stack = c_.step.storage.as_stack(id, leading);
      if (!stack) {
        throw NotAvailable("node '" + node_.name + "'",
                           "tensor '" + c_.tensor(id).name +
                               "' has an order of its elements that "
                               "no product can read or write",
                           "reshape and transpose it in another way");
      }
      to = *stack;
    };
    Shape leading;
    if (!one_product(c_.graph(), c_.step.storage, node_)) {
      const Shape& shape = c_.tensor(y).shape;
      leading.assign(shape.begin(), shape.end() - 2);
      if (leading.empty()) {
        leading = {1};
      }
    }
    add(node_.inputs[0], leading, plan.x);
    add(node_.inputs[1], leading, plan.w);
    add(plan.result, leading, plan.z);
    if (plan.added) {
      add(*plan.added, leading, plan.addend);
    }
    plan.problem.count = static_cast<std::uint32_t>(plan.z.size());
  }

  /// The third input: a row for all rows of the result, or something of its shape.
  void find_addend(GemmPlan& plan) const {
    if (op_.add) {
      const Node& add = c_.graph().node(*op_.add);
      plan.added = add.inputs[add.inputs[0] == node_.outputs[0] ? 1 : 0];
    }
    if (op_.row) {
      const Node& add = c_.graph().node(*op_.row);
      const TensorId sum = op_.add ? c_.graph().node(*op_.add).outputs[0] : node_.outputs[0];
      plan.bias = add.inputs[add.inputs[0] == sum ? 1 : 0];
    }
    if (node_.inputs.size() < 3) {
      return;
    }
    const TensorId third = node_.inputs[2];
    const Shape& shape = c_.tensor(node_.outputs[0]).shape;
    if (c_.tensor(third).elements() == shape.back() && c_.cols(third) == shape.back()) {
      plan.second_bias = plan.bias;
      plan.bias = third;
    } else if (c_.tensor(third).shape == shape && !plan.added) {
      plan.added = third;
    } else {
      throw NotAvailable("node '" + node_.name + "'",
                         "an addend of shape " + to_string(c_.tensor(third).shape) +
                             " for a product of shape " + to_string(shape) + " is not available",
                         "give a row or a tensor of the product's shape");
    }
  }

  /// What is the same for every unit and orientation.
  void find_tensors() {
    shape_ = gemm_shape(c_.graph(), node_);
    trans_a_ = node_.integer("transA") != 0;
    trans_b_ = node_.integer("transB") != 0;
    common_.result = node_.outputs[0];
    for (const auto& behind : {op_.add, op_.row, op_.relu, op_.relu_grad}) {
      if (behind) {
        common_.result = c_.graph().node(*behind).outputs[0];
      }
    }
    find_addend(common_);
    find_views(common_);
  }

  GemmPlan candidate(Unit unit, bool swap) {
    GemmPlan plan = common_;
    GemmProblem& p = plan.problem;
    p.unit = unit;
    p.half = c_.step.half && unit == Unit::kRedmule;
    if (swap) {
      std::swap(plan.x, plan.w);
    }
    if (plan.x.size() == 1) {
      p.m = static_cast<std::uint32_t>(shape_.m);
    } else {  // rows of one matrix
      const Shape& y = c_.tensor(node_.outputs[0]).shape;
      p.m = static_cast<std::uint32_t>(y[y.size() - 2]);
    }
    p.n = static_cast<std::uint32_t>(shape_.n);
    p.k = static_cast<std::uint32_t>(shape_.k);
    if (swap) {
      std::swap(p.m, p.k);
    }
    plan.x_tensor = node_.inputs[swap ? 1 : 0];
    plan.w_tensor = node_.inputs[swap ? 0 : 1];
    p.x = source(unit, plan.x_tensor, plan.x[0], swap ? !trans_b_ : trans_a_, use_x_, plan);
    p.w = source(unit, plan.w_tensor, plan.w[0], swap ? !trans_a_ : trans_b_, use_w_, plan);
    p.transpose_z = swap;
    p.bias = plan.bias.has_value();
    p.second_bias = plan.second_bias.has_value();
    p.relu = op_.relu.has_value();
    p.addend = plan.added.has_value();
    p.addend_resident = p.addend && c_.resident(plan.addend[0]).has_value();
    const bool strided = plan.z[0].pitch != plan.z[0].cols ||
                         (p.addend && plan.addend[0].pitch != plan.addend[0].cols);
    p.dense_z = strided || plan.z.size() > 1;
    if (op_.loss) {  // the target takes the way of a mask, and the gradient its place
      p.loss = true;
      plan.mask = c_.graph().node(*op_.loss).inputs[1];
      plan.result = c_.graph().node(*op_.loss_grad).outputs[0];
    }
    if (op_.relu_grad) {
      const Node& mask = c_.graph().node(*op_.relu_grad);
      plan.mask = mask.inputs[1];
      p.mask = true;
      p.mask_resident = usable(Unit::kCores, plan.mask, false);
      // The transposed mask serves the transposed result, and the weight gradient afterwards.
      if (swap && c_.residents && c_.bytes(plan.mask) <= c_.l1.capacity() / 8) {
        plan.transpose_first.push_back(plan.mask);
        p.mask_resident = true;
      }
    }
    if (op_.sgd) {
      plan.parameter = c_.graph().node(*op_.sgd).inputs[0];
      p.sgd = true;
      p.store = false;
      p.sgd_resident = usable(Unit::kCores, plan.parameter, false);
    }
    p.column_sums = op_.bias_sum.has_value();
    return plan;
  }

  TilingLimits limits(const GemmPlan& plan) {
    TilingLimits limits;
    limits.l1_bytes = c_.l1.available();
    for (TensorId tensor : plan.transpose_first) {
      if (!c_.l1.resident(tensor, true)) {
        const Bytes bytes = 2 * c_.bytes(tensor) + Bytes{2048};
        limits.l1_bytes -= std::min(bytes, limits.l1_bytes);
      }
    }
    limits.preferred = c_.part_of_l1(c_.sharing.product);
    const bool keep = c_.worth_keeping(plan.result) && !plan.problem.sgd && !plan.problem.loss &&
                      c_.step.storage.contiguous(plan.result) &&
                      (plan.problem.count == 1 || !plan.problem.transpose_z);
    limits.keep_bytes = keep ? c_.most_kept() : Bytes{};
    limits.fixed = fixed_;
    limits.double_buffer = c_.step.tiling.double_buffer;
    return limits;
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  TileConfig fixed_;
  GemmPlan common_;
  GemmShape shape_{};
  bool trans_a_ = false, trans_b_ = false;
  bool use_x_ = true, use_w_ = true;
};

}  // namespace

GemmPlan plan_gemm(LoweringContext& context, const Operator& op) {
  return Planner(context, op).run();
}

}  // namespace etude::compiler
