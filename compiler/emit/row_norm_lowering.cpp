// SPDX-License-Identifier: Apache-2.0
// Log softmax, normalisation by the root of the mean square, and their gradients.
#include "compiler/emit/families.h"
#include "compiler/feeds/row_tiles.h"

namespace etude::compiler {

namespace {

float epsilon_of(const Node& node) { return static_cast<float>(node.real("epsilon", 1e-5)); }

RowTiles tiles_of(LoweringContext& c, const Node& node, etude_kernel kernel) {
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.whole_rows();
  tiles.multiple_of(c.step.platform.cluster.cores);
  tiles.work(c.step.cost.per_element(kernel));
  return tiles;
}

void normalise(LoweringContext& c, const Node& node) {
  RowTiles tiles = tiles_of(c, node, ETUDE_KERNEL_RMSNORM);
  const std::size_t x = tiles.input(node.inputs[0]);
  const std::size_t gamma = tiles.input(node.inputs[1], Spread::kRow, false);
  const std::size_t y = tiles.output(node.outputs[0]);
  tiles.run([&](const RowTile& tile) {
    c.tape.rmsnorm(tile.at[x], tile.at[gamma], tile.at[y], epsilon_of(node));
  });
}

void input_gradient(LoweringContext& c, const Node& node) {
  RowTiles tiles = tiles_of(c, node, ETUDE_KERNEL_RMSNORM_GRAD);
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t gamma = tiles.input(node.inputs[2], Spread::kRow, false);
  const std::size_t dx = tiles.output(node.outputs[0]);
  tiles.run([&](const RowTile& tile) {
    c.tape.rmsnorm_grad(tile.at[dy], tile.at[x], tile.at[gamma], tile.at[dx], epsilon_of(node));
  });
}

/// The sums of layer normalisation's scale, of rows whose mean counts as 0.
void scale_gradient(LoweringContext& c, const Node& node) {
  const std::uint32_t cols = c.cols(node.inputs[0]);
  L1Matrix sums[2];
  for (L1Matrix& sum : sums) {  // the second one, of an offset, is not wanted
    sum = {c.l1.take(bytes_for(cols)), 1, cols, cols};
  }
  RowTiles tiles = tiles_of(c, node, ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD);
  const std::size_t dy = tiles.input(node.inputs[0]);
  const std::size_t x = tiles.input(node.inputs[1]);
  const std::size_t stats = tiles.scratch(Spread::kColumn, 2);
  bool begun = false;
  tiles.run([&](const RowTile& tile) {
    c.tape.rmsnorm_stats(tile.at[x], tile.at[stats], epsilon_of(node));
    c.tape.layernorm_affine_grad(tile.at[dy], tile.at[x], tile.at[stats], sums[0], sums[1], begun);
    begun = true;
  });
  c.tape.store(sums[0], c.stored(node.outputs[0]));
  if (c.worth_keeping(node.outputs[0])) {
    c.l1.keep(node.outputs[0], false, sums[0]);
  }
}

}  // namespace

void lower_rms_norm(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  if (node.op == OpType::kRmsNorm) {
    normalise(c, node);
  } else if (node.op == OpType::kRmsNormGrad) {
    input_gradient(c, node);
  } else {
    scale_gradient(c, node);
  }
}

void lower_log_softmax(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  const bool forward = node.op == OpType::kLogSoftmax;
  c.layer(op.node);
  RowTiles tiles =
      tiles_of(c, node, forward ? ETUDE_KERNEL_LOG_SOFTMAX : ETUDE_KERNEL_LOG_SOFTMAX_GRAD);
  const std::size_t first = tiles.input(node.inputs[0]);
  const std::size_t second = forward ? first : tiles.input(node.inputs[1]);
  const std::size_t result = tiles.output(node.outputs[0]);
  tiles.run([&](const RowTile& tile) {
    if (forward) {
      c.tape.log_softmax(tile.at[first], tile.at[result]);
    } else {
      c.tape.log_softmax_grad(tile.at[first], tile.at[second], tile.at[result]);
    }
  });
}

}  // namespace etude::compiler
