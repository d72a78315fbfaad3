// SPDX-License-Identifier: Apache-2.0
#include "compiler/emit/conv_plan.h"

#include "models/base/error.h"

namespace etude::compiler {

using Unit = GemmProblem::Unit;
using Product = ConvProblem::Product;

ConvProblem conv_problem(LoweringContext& c, const Node& node) {
  ConvProblem p;
  if (node.op == OpType::kConvGradWeight) {
    p.product = Product::kGradWeight;
  } else if (node.op == OpType::kConvGradInput) {
    p.product = Product::kGradInput;
  }
  const TensorId result = node.outputs[0];
  const TensorId first = node.inputs[p.product == Product::kGradWeight ? 1 : 0];
  const Shape image = c.tensor(p.product == Product::kGradInput ? result : first).shape;
  const Shape weight = c.tensor(p.product == Product::kGradWeight ? result : node.inputs[1]).shape;
  p.image = geometry_of(c.graph(), node, image);
  p.groups = static_cast<std::uint32_t>(node.integer("group", 1));
  p.image.channels /= p.groups;
  p.outputs = static_cast<std::uint32_t>(weight[0]) / p.groups;
  if (p.product != Product::kGradWeight) {
    if (const PackedObjects* stored = c.packed(node.inputs[1])) {
      p.packed = {stored->weight.form.number, stored->weight.form.scale_per_row};
    }
  }
  return p;
}

bool is_depthwise(const ConvProblem& p) {
  return p.groups > 1 && p.image.channels == 1 && p.outputs == 1;
}

ConvPlan plan_conv(LoweringContext& c, const Node& node, const ConvProblem& problem,
                   TensorId result, bool may_keep) {
  TileConfig fixed;
  if (const auto found = c.step.tiling.operators.find(node.name);
      found != c.step.tiling.operators.end()) {
    fixed = found->second;
  }
  // Columns are added to images strip by strip.
  const bool cut = node.op == OpType::kConvGradInput && !problem.image.pointwise();
  const TileConfig before = c.fixed_cut(node);
  if (cut && fixed.k == 0) {
    fixed.k = before.k;
  }
  if (fixed.unit == TileConfig::Unit::kAuto) {
    fixed.unit = before.unit;
  }
  TilingLimits limits;
  limits.l1_bytes = c.l1.available();
  limits.preferred = c.part_of_l1(c.sharing.product);
  const bool keep = may_keep && c.worth_keeping(result) && c.bytes(result) <= c.l1.capacity() / 8;
  limits.keep_bytes = keep ? c.l1.capacity() / 8 : Bytes{};
  limits.fixed = fixed;
  limits.double_buffer = c.step.tiling.double_buffer;
  std::optional<ConvPlan> best;
  std::optional<UserError> error;
  const auto attempt = [&](const ConvProblem& as, Unit unit) {
    ConvPlan plan{as, {}};
    ConvProblem& p = plan.problem;
    p.unit = unit;
    p.half = c.step.half && unit == Unit::kRedmule;
    if (unit == Unit::kRedmule) {  // it reads rows up to a multiple of its height
      const std::uint32_t height = c.step.platform.cluster.redmule.height;
      p.dy_resident = p.dy_resident && p.outputs % height == 0;
      p.x_resident = p.x_resident && (!p.image.pointwise() || p.image.channels % height == 0);
    }
    constexpr Bytes kLarge{65536};  // several pages of the SoC DMA
    p.outputs_first = c.sharing.filters_in_turn && p.product == Product::kForward &&
                      p.groups == 1 && bytes_for(p.outputs * p.inner()) > kLarge;
    const auto choose = [&] {
      try {
        plan.tiling =
            choose_conv_tiling(node.name, p, limits, c.step.cost, c.step.platform.cluster.redmule);
        return true;
      } catch (const UserError& e) {
        error = e;
        return false;
      }
    };
    bool found = choose();
    if (!found && p.outputs_first) {
      p.outputs_first = false;
      found = choose();
    }
    if (!found) {
      return;
    }
    if (!best || plan.tiling.cycles < best->tiling.cycles) {
      best = plan;
    }
  };
  // In mixed precision the gradients of a convolution stay on the cores.
  const bool array =
      c.step.redmule && (!c.step.half || problem.product == ConvProblem::Product::kForward);
  const auto attempt_all = [&](const ConvProblem& as) {
    if (array && fixed.unit != TileConfig::Unit::kCores) {
      attempt(as, Unit::kRedmule);
    }
    if (!array || fixed.unit != TileConfig::Unit::kRedmule) {
      attempt(as, Unit::kCores);
    }
  };
  attempt_all(problem);
  // One long row cannot be cut, a column can; its kernels are slower.
  if (const auto turned = upright(problem.image); turned && !best && !c.residents) {
    ConvProblem column = problem;
    column.image = *turned;
    attempt_all(column);
  }
  if (!best) {
    if (c.residents) {
      throw NoRoom{};
    }
    throw *error;
  }
  TileConfig where;
  if (cut) {
    where.k = best->tiling.pixels(best->problem);
  }
  if (c.step.half && array) {
    where.unit = best->problem.unit == Unit::kRedmule ? TileConfig::Unit::kRedmule
                                                      : TileConfig::Unit::kCores;
  }
  c.cut_at(node, where);
  return *best;
}

}  // namespace etude::compiler
