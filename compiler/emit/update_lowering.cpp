// SPDX-License-Identifier: Apache-2.0
// Updates of parameters that are not part of the operator that makes the gradient.
#include "compiler/emit/families.h"
#include "compiler/feeds/row_tiles.h"
#include "workloads/training/update.h"

namespace etude::compiler {

void lower_update(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  const TensorId gradient = node.inputs[1];
  RowTiles tiles(c, node.name, grid_of(c, node.inputs[0]));
  tiles.equal_pitches();
  const std::size_t w = tiles.update(node.inputs[0]);
  const std::size_t g = tiles.input(gradient);
  std::vector<std::size_t> state;
  for (std::size_t i = 2; i < node.inputs.size(); ++i) {
    state.push_back(tiles.update(node.inputs[i]));
  }
  const auto lr = static_cast<float>(node.real("lr"));
  const Bytes pitch = bytes_for(c.cols(node.inputs[0]));
  tiles.run([&](const RowTile& tile) {
    if (node.op == OpType::kSgd) {
      c.tape.sgd(tile.at[w], tile.at[g], lr);
    } else if (node.op == OpType::kAdam) {
      const double beta1 = node.real("beta1", 0.9);
      const double beta2 = node.real("beta2", 0.999);
      const AdamRates rates =
          adam_rates(lr, beta1, beta2, node.real("epsilon", 1e-8), node.integer("step", 1));
      c.tape.adam(tile.at[w], tile.at[g], tile.at[state[0]], tile.at[state[1]], rates,
                  static_cast<float>(beta1), static_cast<float>(beta2));
    } else {
      c.tape.momentum(tile.at[w], tile.at[g], tile.at[state[0]], lr,
                      static_cast<float>(node.real("momentum")));
    }
    c.tape.probe({gradient, tile.at[g], tile.row * pitch + bytes_for(tile.col), pitch});
  });
}

}  // namespace etude::compiler
