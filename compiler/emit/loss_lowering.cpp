// SPDX-License-Identifier: Apache-2.0
// Losses and their gradients. The loss of a step is summed up in one word of L1.
#include <algorithm>

#include "compiler/emit/families.h"
#include "compiler/feeds/row_tiles.h"

namespace etude::compiler {

namespace {

/// 1 / samples for the mean, 1 for the sum.
double weight(const Node& node, std::uint32_t samples) {
  return node.text("reduction", "mean") == "mean" ? 1.0 / samples : 1.0;
}

/// Whether gradients are computed; of inference the answer is what there is to look at.
bool trains(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(),
                             [](const Node& node) { return node.phase == Phase::kBackward; });
}

void store_loss(LoweringContext& c, const Node& node) {
  c.tape.store({c.loss_cell, 1, 1, 1}, c.stored(node.outputs[0]));
}

}  // namespace

void lower_mse(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  const auto elements = static_cast<double>(c.tensor(node.inputs[0]).elements());
  const auto scale_loss = static_cast<float>(1.0 / elements);
  const bool binary = node.op == OpType::kBceLoss;
  const auto scale_grad = static_cast<float>((binary ? 1.0 : 2.0) / elements);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.by_columns();
  tiles.one_order();
  const std::size_t y = tiles.input(node.inputs[0]);
  const std::size_t t = tiles.input(node.inputs[1]);
  const std::size_t dy = op.loss_grad ? tiles.output(c.graph().node(*op.loss_grad).outputs[0])
                                      : tiles.scratch(Spread::kFull);
  tiles.run([&](const RowTile& tile) {
    if (binary) {
      c.tape.bce(tile.at[y], tile.at[t], tile.at[dy], c.loss_cell, scale_loss, scale_grad);
    } else {
      c.tape.mse(tile.at[y], tile.at[t], tile.at[dy], c.loss_cell, scale_loss, scale_grad);
    }
  });
  store_loss(c, node);
}

void lower_cross_entropy(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.step.platform.cluster.cores);
  const std::size_t x = tiles.input(node.inputs[0]);
  const std::size_t labels = tiles.input(node.inputs[1], Spread::kColumn);
  const auto samples = c.rows(node.inputs[0]);
  if (node.op == OpType::kSoftmaxCrossEntropy) {
    tiles.one_order();
    const std::size_t log_p = tiles.output(node.outputs[1]);
    const bool inference = !trains(c.graph());
    const Bytes pitch = bytes_for(c.cols(node.inputs[0]));
    tiles.run([&](const RowTile& tile) {
      if (inference) {
        c.tape.probe({node.inputs[0], tile.at[x], tile.row * pitch, pitch});
      }
      c.tape.cross_entropy(tile.at[x], tile.at[labels], tile.at[log_p], c.loss_cell,
                           static_cast<float>(weight(node, samples)));
    });
    store_loss(c, node);
    return;
  }
  const auto scale =
      static_cast<float>(static_cast<float>(node.real("scale", 1)) * weight(node, samples));
  const std::size_t dx = tiles.output(node.outputs[0]);
  tiles.run([&](const RowTile& tile) {
    c.tape.cross_entropy_grad(tile.at[x], tile.at[labels], tile.at[dx], scale);
  });
}

}  // namespace etude::compiler
