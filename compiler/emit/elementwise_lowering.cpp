// SPDX-License-Identifier: Apache-2.0
// Operators that make each element of their result from one element of each input.
#include "compiler/emit/families.h"
#include "compiler/feeds/broadcast_view.h"
#include "compiler/operators/not_available.h"
#include "compiler/operators/operator_table.h"
#include "workloads/ops/function_parameters.h"

namespace etude::compiler {

namespace {

/// One such node: its operands in the grid of the result.
class Elementwise {
 public:
  Elementwise(LoweringContext& context, const Node& node)
      : c_(context),
        node_(node),
        row_(row_of(node.op)),
        view_(view()),
        tiles_(context, node.name, view_.grid) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto [spread, by_group] = view_.operands[i];
      in_.push_back(tiles_.input(node.inputs[i], spread, by_group));
      spread_.push_back(spread == Spread::kColumn   ? tiles_.scratch(Spread::kFull)
                        : spread == Spread::kScalar ? tiles_.scratch(Spread::kRow)
                                                    : in_.back());
      columns_ = columns_ || spread == Spread::kColumn;
    }
    ones_ = columns_ ? tiles_.scratch(Spread::kRow) : 0;
    out_ = tiles_.output(node.outputs[0]);
    tiles_.work(cycles());
  }

  void run() {
    tiles_.run([&](const RowTile& tile) {
      if (columns_) {
        c_.tape.fill(one_row(tile.at[ones_]), 1.0f);
      }
      std::vector<L1Matrix> in;
      for (std::size_t i = 0; i < in_.size(); ++i) {
        in.push_back(spread(tile, i));
      }
      compute(in, tile.at[out_]);
    });
  }

 private:
  BroadcastView view() const {
    std::vector<Shape> from;
    for (TensorId input : node_.inputs) {
      from.push_back(c_.tensor(input).shape);
    }
    const auto found = broadcast_view(c_.tensor(node_.outputs[0]).shape, from);
    if (!found) {
      throw NotAvailable("node '" + node_.name + "'",
                         "broadcasting along alternate axes is not available on the simulated chip",
                         "broadcast rows, columns, leading or trailing extents");
    }
    return *found;
  }

  /// What is not slower than loads and stores counts as an addition.
  double cycles() const {
    const double add = c_.step.cost.per_element(ETUDE_KERNEL_ADD);
    const double own = c_.step.cost.per_element(row_.kernel);
    return own < 2 * add ? add : own;
  }

  static L1Matrix one_row(const L1Matrix& row) { return {row.address, 1, row.cols, row.cols}; }

  /// The operand as a matrix of the tile's size: a column becomes its product with a row of ones, a
  /// scalar a row.
  L1Matrix spread(const RowTile& tile, std::size_t i) const {
    const L1Matrix given = tile.at[in_[i]];
    const L1Matrix made = tile.at[spread_[i]];
    if (view_.operands[i].spread == Spread::kColumn) {
      c_.tape.gemm(given, one_row(tile.at[ones_]), made, 1, {}, 0);
    } else if (view_.operands[i].spread == Spread::kScalar) {
      c_.tape.broadcast_row(given.address, {made.address, made.cols, 1, 1});
    }
    return made;
  }

  void compute(const std::vector<L1Matrix>& in, const L1Matrix& out) const {
    Tape& tape = c_.tape;
    switch (row_.elements) {
      case Elements::kUnary:
        return tape.unary(row_.kernel, in[0], out, static_cast<float>(node_.real("factor", 1)));
      case Elements::kBinary:
        tape.binary(row_.kernel, in[0], in[1], out);
        for (std::size_t i = 2; i < in.size(); ++i) {
          tape.binary(row_.kernel, out, in[i], out);
        }
        return;
      case Elements::kResultGrad:
        return tape.result_grad(row_.kernel, in[0], in[1], out);
      case Elements::kGelu:
        return tape.gelu(in[0], out, gelu_form());
      case Elements::kGeluGrad:
        return tape.gelu_grad(in[0], in[1], out, gelu_form());
      case Elements::kFunction:
        return tape.function(row_.kernel, in[0], out, parameters_of(node_));
      case Elements::kFunctionGrad:
        return tape.function_grad(row_.kernel, in[0], in[1], out, parameters_of(node_));
      case Elements::kMaximumGrad:
        return tape.maximum_grad(in[0], in[1], in[2], out);
      case Elements::kNone:
        break;
    }
    throw std::logic_error("not an elementwise operator");
  }

  std::uint32_t gelu_form() const {
    const std::string name = node_.text("approximate", "none");
    return name == "tanh"      ? ETUDE_GELU_TANH
           : name == "sigmoid" ? ETUDE_GELU_SIGMOID
                               : ETUDE_GELU_ERF;
  }

  LoweringContext& c_;
  const Node& node_;
  const OperatorRow& row_;
  BroadcastView view_;
  RowTiles tiles_;
  std::vector<std::size_t> in_, spread_;  ///< as loaded, and as the kernel reads it
  std::size_t ones_ = 0, out_ = 0;
  bool columns_ = false;
};

}  // namespace

void lower_elementwise(LoweringContext& c, const Operator& op) {
  c.layer(op.node);
  Elementwise(c, c.graph().node(op.node)).run();
}

}  // namespace etude::compiler
