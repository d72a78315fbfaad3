// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/gemm_plan.h"

#include <optional>

#include "models/base/error.h"
#include "workloads/ops/op_rules.h"

namespace etude {

namespace {

using Unit = GemmProblem::Unit;

class Planner {
 public:
  Planner(LoweringContext& context, const Operator& op)
      : c_(context), op_(op), node_(context.graph().node(op.node)) {
    if (const auto found = c_.tiling.operators.find(node_.name);
        found != c_.tiling.operators.end()) {
      fixed_ = found->second;
    }
  }

  GemmPlan run() {
    std::optional<GemmPlan> best;
    std::optional<UserError> error;
    const auto attempt = [&](Unit unit, bool swap) {
      GemmPlan plan = candidate(unit, swap);
      try {
        plan.tiling = choose_tiling(node_.name, plan.problem, limits(plan), c_.cost,
                                    c_.platform.cluster.redmule);
      } catch (const UserError& e) {
        error = e;
        return;
      }
      for (TensorId tensor : plan.transpose_first) {
        plan.tiling.cycles += c_.l1.has_resident(tensor, true) ? 0 : kHiddenTranspose;
      }
      if (!best || plan.tiling.cycles < best->tiling.cycles) {
        best = plan;
      }
    };
    if (c_.redmule && fixed_.unit != TileConfig::Unit::kCores) {
      attempt(Unit::kRedmule, false);
      const bool row_epilogue = op_.relu || op_.sgd || op_.loss || node_.inputs.size() > 2;
      if (!row_epilogue) {
        attempt(Unit::kRedmule, true);
      }
    }
    if (!c_.redmule || fixed_.unit != TileConfig::Unit::kRedmule) {
      attempt(Unit::kCores, false);
    }
    if (!best) {
      if (c_.residents) {
        throw NoRoom{};
      }
      throw *error;
    }
    return *best;
  }

 private:
  /// A transposition beforehand usually runs on idle cores; it should still not be free.
  static constexpr std::uint64_t kHiddenTranspose = 200;

  /// The factor opT(tensor), seen by the unit with or without another transposition.
  OperandSource source(Unit unit, TensorId tensor, bool transpose, GemmPlan& plan) {
    const bool normal = usable(unit, tensor, false);
    if (unit == Unit::kCores) {
      return {normal, transpose, false, c_.worth_keeping(tensor)};
    }
    const std::uint64_t bytes = c_.tensor(tensor).bytes();
    if (transpose && c_.residents &&
        (c_.l1.has_resident(tensor, true) || bytes <= c_.l1.capacity() / 8)) {
      plan.transpose_first.push_back(tensor);
      return {true, false, true, false};
    }
    return {normal, transpose, false, !transpose && c_.worth_keeping(tensor)};
  }

  bool usable(Unit unit, TensorId tensor, bool transposed) {
    const L1Matrix* found = c_.l1.resident(tensor, transposed);
    return found != nullptr && (unit == Unit::kCores || found->pitch == found->cols);
  }

  GemmPlan candidate(Unit unit, bool swap) {
    GemmPlan plan;
    GemmProblem& p = plan.problem;
    const GemmShape shape = gemm_shape(c_.graph(), node_);
    const bool trans_a = node_.integer("transA") != 0;
    const bool trans_b = node_.integer("transB") != 0;
    p.unit = unit;
    p.n = static_cast<std::uint32_t>(shape.n);
    p.m = static_cast<std::uint32_t>(swap ? shape.k : shape.m);
    p.k = static_cast<std::uint32_t>(swap ? shape.m : shape.k);
    plan.x = node_.inputs[swap ? 1 : 0];
    plan.w = node_.inputs[swap ? 0 : 1];
    p.x = source(unit, plan.x, swap ? !trans_b : trans_a, plan);
    p.w = source(unit, plan.w, swap ? !trans_a : trans_b, plan);
    p.transpose_z = swap;
    p.bias = node_.inputs.size() > 2;
    p.relu = op_.relu.has_value();
    plan.result = node_.outputs[0];
    if (op_.relu) {
      plan.result = c_.graph().node(*op_.relu).outputs[0];
    }
    if (op_.loss) {  // the target takes the way of a mask, and the gradient its place
      p.loss = true;
      plan.mask = c_.graph().node(*op_.loss).inputs[1];
      plan.result = c_.graph().node(*op_.loss_grad).outputs[0];
    }
    if (op_.relu_grad) {
      const Node& mask = c_.graph().node(*op_.relu_grad);
      plan.result = mask.outputs[0];
      plan.mask = mask.inputs[1];
      p.mask = true;
      p.mask_resident = usable(Unit::kCores, plan.mask, false);
      // The transposed mask serves the transposed result, and the weight gradient afterwards.
      if (swap && c_.residents && c_.tensor(plan.mask).bytes() <= c_.l1.capacity() / 8) {
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
      if (c_.l1.resident(tensor, true) == nullptr) {
        const auto bytes = static_cast<std::uint32_t>(2 * c_.tensor(tensor).bytes() + 2048);
        limits.l1_bytes -= std::min(bytes, limits.l1_bytes);
      }
    }
    limits.preferred = static_cast<std::uint32_t>(c_.sharing.product * c_.l1.capacity());
    const bool keep = c_.worth_keeping(plan.result) && !plan.problem.sgd && !plan.problem.loss;
    limits.keep_bytes = keep ? c_.l1.capacity() / 4 : 0;
    limits.fixed = fixed_;
    limits.double_buffer = c_.tiling.double_buffer;
    return limits;
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  TileConfig fixed_;
};

}  // namespace

GemmPlan plan_gemm(LoweringContext& context, const Operator& op) {
  return Planner(context, op).run();
}

}  // namespace etude
