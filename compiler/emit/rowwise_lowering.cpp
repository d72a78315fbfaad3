// SPDX-License-Identifier: Apache-2.0
// Operators that work on whole rows: layer normalisation, softmax, and their gradients.
#include "compiler/emit/families.h"
#include "compiler/feeds/row_tiles.h"

namespace etude::compiler {

namespace {

float epsilon_of(const Node& node) { return static_cast<float>(node.real("epsilon", 1e-5)); }

L1Matrix one_row(const L1Matrix& row) { return {row.address, 1, row.cols, row.cols}; }

void layer_norm(LoweringContext& c, const Node& node, RowTiles& tiles) {
  const std::size_t x = tiles.input(node.inputs[0]);
  const std::size_t gamma = tiles.input(node.inputs[1], Spread::kRow, false);
  const bool shifted = node.inputs.size() == 3;
  const std::size_t beta =
      shifted ? tiles.input(node.inputs[2], Spread::kRow, false) : tiles.scratch(Spread::kRow);
  const std::size_t y = tiles.output(node.outputs[0]);
  tiles.work(c.step.cost.per_element(ETUDE_KERNEL_LAYERNORM));
  tiles.run([&](const RowTile& tile) {
    if (!shifted) {
      c.tape.fill(one_row(tile.at[beta]), 0.0f);
    }
    c.tape.layernorm(tile.at[x], tile.at[gamma], tile.at[beta], tile.at[y], epsilon_of(node));
  });
}

/// Gradients of gain and offset: sums over the rows of all tiles.
class AffineGradient {
 public:
  AffineGradient(LoweringContext& context, const Node& node) : c_(context), node_(node) {
    for (L1Matrix& sum : sums_) {
      const std::uint32_t cols = c_.cols(node.inputs[0]);
      sum = {c_.l1.take(bytes_for(cols)), 1, cols, cols};
    }
  }

  void add(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& stats) {
    c_.tape.layernorm_affine_grad(dy, x, stats, sums_[0], sums_[1], begun_);
    begun_ = true;
  }

  void finish() {
    for (std::size_t i = 0; i < 2; ++i) {
      const TensorId result = node_.outputs[i];
      c_.tape.store(sums_[i], c_.stored(result));
      if (c_.worth_keeping(result)) {
        c_.l1.keep(result, false, sums_[i]);
      }
    }
  }

 private:
  LoweringContext& c_;
  const Node& node_;
  L1Matrix sums_[2];
  bool begun_ = false;
};

/// With the gradients of gain and offset if they are made of the same tensors: they share the
/// statistics, and each tile is looked at once.
void layer_norm_grad(LoweringContext& c, const Operator& op, RowTiles& tiles) {
  const Node& node = c.graph().node(op.node);
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t gamma = tiles.input(node.inputs[2], Spread::kRow, false);
  const std::size_t dx = tiles.output(node.outputs[0]);
  tiles.work(c.step.cost.per_element(ETUDE_KERNEL_LAYERNORM_GRAD));
  if (!op.affine) {
    return tiles.run([&](const RowTile& tile) {
      c.tape.layernorm_grad(tile.at[dy], tile.at[x], tile.at[gamma], nullptr, tile.at[dx],
                            epsilon_of(node));
    });
  }
  const std::size_t stats = tiles.scratch(Spread::kColumn, 2);
  AffineGradient affine(c, c.graph().node(*op.affine));
  tiles.run([&](const RowTile& tile) {
    c.layer(op.node);
    c.tape.layernorm_stats(tile.at[x], tile.at[stats], epsilon_of(node));
    c.tape.layernorm_grad(tile.at[dy], tile.at[x], tile.at[gamma], &tile.at[stats], tile.at[dx],
                          epsilon_of(node));
    c.layer(*op.affine);
    affine.add(tile.at[dy], tile.at[x], tile.at[stats]);
    c.layer(op.node);
  });
  c.layer(*op.affine);
  affine.finish();
}

/// Whether each row of a tensor is the result of a softmax.
bool made_by_softmax(const Graph& graph, TensorId id) {
  const std::uint64_t classes = graph.tensor(id).shape.back();
  for (auto maker = graph.producer(id); maker;) {
    const Node& node = graph.node(*maker);
    if (graph.tensor(node.outputs[0]).shape.back() != classes) {
      return false;
    }
    if (node.op == OpType::kSoftmax) {
      return true;
    }
    const bool reshape = node.op == OpType::kReshape && !graph.tensor(node.inputs[0]).shape.empty();
    maker = reshape ? graph.producer(node.inputs[0]) : std::nullopt;
  }
  return false;
}

/// `before`: a Scale node whose result only this Softmax reads.
void softmax(LoweringContext& c, const Node& node, const Node* before, RowTiles& tiles) {
  const double factor = before != nullptr ? before->real("factor", 1) : 1;
  const auto scale = static_cast<float>(node.real("scale", 1) * factor);
  const std::size_t first = tiles.input(before != nullptr ? before->inputs[0] : node.inputs[0]);
  const std::size_t second = node.op == OpType::kSoftmax ? first : tiles.input(node.inputs[1]);
  const std::size_t result = tiles.output(node.outputs[0]);
  const bool any = node.op == OpType::kSoftmaxGrad && !made_by_softmax(c.graph(), node.inputs[1]);
  tiles.work(c.step.cost.per_element(node.op == OpType::kSoftmax ? ETUDE_KERNEL_SOFTMAX
                                     : any                       ? ETUDE_KERNEL_SOFTMAX_GRAD_ANY
                                                                 : ETUDE_KERNEL_SOFTMAX_GRAD));
  tiles.run([&](const RowTile& tile) {
    if (node.op == OpType::kSoftmax) {
      c.tape.softmax(tile.at[first], tile.at[result], scale);
    } else {
      c.tape.softmax_grad(tile.at[first], tile.at[second], tile.at[result], scale, any);
    }
  });
}

}  // namespace

void lower_rowwise(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.outputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.step.platform.cluster.cores);
  if (node.op == OpType::kLayerNorm) {
    layer_norm(c, node, tiles);
  } else if (node.op == OpType::kLayerNormGrad) {
    layer_norm_grad(c, op, tiles);
  } else {
    softmax(c, node, op.scale ? &c.graph().node(*op.scale) : nullptr, tiles);
  }
}

void lower_layer_norm_affine_grad(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.step.platform.cluster.cores);
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t stats = tiles.scratch(Spread::kColumn, 2);
  tiles.work(c.step.cost.per_element(ETUDE_KERNEL_LAYERNORM_STATS) +
             c.step.cost.per_element(ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD));
  AffineGradient affine(c, node);
  tiles.run([&](const RowTile& tile) {
    c.tape.layernorm_stats(tile.at[x], tile.at[stats], epsilon_of(node));
    affine.add(tile.at[dy], tile.at[x], tile.at[stats]);
  });
  affine.finish();
}

}  // namespace etude::compiler
