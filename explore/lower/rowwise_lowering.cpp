// SPDX-License-Identifier: Apache-2.0
// Operators that work on whole rows: layer normalisation, softmax, and their gradients.
#include "explore/lower/row_tiles.h"

namespace etude {

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
  tiles.work(CostModel::kLayerNorm);
  tiles.run([&](const RowTile& tile) {
    if (!shifted) {
      c.sequence.fill(one_row(tile.at[beta]), 0.0f);
    }
    c.sequence.layernorm(tile.at[x], tile.at[gamma], tile.at[beta], tile.at[y], epsilon_of(node));
  });
}

void layer_norm_grad(LoweringContext& c, const Node& node, RowTiles& tiles) {
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t gamma = tiles.input(node.inputs[2], Spread::kRow, false);
  const std::size_t dx = tiles.output(node.outputs[0]);
  tiles.work(CostModel::kLayerNormGrad);
  tiles.run([&](const RowTile& tile) {
    c.sequence.layernorm_grad(tile.at[dy], tile.at[x], tile.at[gamma], nullptr, tile.at[dx],
                              epsilon_of(node));
  });
}

/// `before`: a Scale node whose result only this Softmax reads.
void softmax(LoweringContext& c, const Node& node, const Node* before, RowTiles& tiles) {
  const double factor = before != nullptr ? before->real("factor", 1) : 1;
  const auto scale = static_cast<float>(node.real("scale", 1) * factor);
  const std::size_t first = tiles.input(before != nullptr ? before->inputs[0] : node.inputs[0]);
  const std::size_t second = node.op == OpType::kSoftmax ? first : tiles.input(node.inputs[1]);
  const std::size_t result = tiles.output(node.outputs[0]);
  tiles.work(node.op == OpType::kSoftmax ? CostModel::kSoftmax : CostModel::kSoftmaxGrad);
  tiles.run([&](const RowTile& tile) {
    if (node.op == OpType::kSoftmax) {
      c.sequence.softmax(tile.at[first], tile.at[result], scale);
    } else {
      c.sequence.softmax_grad(tile.at[first], tile.at[second], tile.at[result], scale);
    }
  });
}

}  // namespace

void lower_rowwise(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.outputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.platform.cluster.cores);
  switch (node.op) {
    case OpType::kLayerNorm:
      return layer_norm(c, node, tiles);
    case OpType::kLayerNormGrad:
      return layer_norm_grad(c, node, tiles);
    default:
      return softmax(c, node, op.scale ? &c.graph().node(*op.scale) : nullptr, tiles);
  }
}

void lower_layer_norm_affine_grad(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.platform.cluster.cores);
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t stats = tiles.scratch(Spread::kColumn, 2);
  tiles.work(CostModel::kLayerNormStats + CostModel::kLayerNormAffineGrad);
  const std::uint32_t cols = c.cols(node.inputs[0]);
  const L1Matrix sums[] = {{c.l1.take(4 * cols), 1, cols, cols},
                           {c.l1.take(4 * cols), 1, cols, cols}};
  tiles.run([&](const RowTile& tile) {
    c.sequence.layernorm_stats(tile.at[x], tile.at[stats], epsilon_of(node));
    c.sequence.layernorm_affine_grad(tile.at[dy], tile.at[x], tile.at[stats], sums[0], sums[1],
                                     tile.row > 0);
  });
  for (std::size_t i = 0; i < 2; ++i) {
    const TensorId result = node.outputs[i];
    c.sequence.store(sums[i], c.stored(result));
    if (c.worth_keeping(result)) {
      c.l1.keep(result, false, sums[i]);
    }
  }
}

}  // namespace etude
