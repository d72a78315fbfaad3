// SPDX-License-Identifier: Apache-2.0
// Stacks of products, strided views and sums: attention without what stands between its products.
#include <catch2/catch.hpp>

#include "compiler/lower/lower.h"
#include "compiler/operators/storage.h"
#include "tests/support/lowered_step.h"

namespace etude::compiler {
namespace {

struct Extents {
  std::uint64_t samples, sequence, heads, width;
};

/// x + proj(mix(scores(q, k), v)), twice, then mean-squared error.
class LinearAttention {
 public:
  explicit LinearAttention(const Extents& extents) : e_(extents) {
    network_.graph.name = "linear_attention";
    const std::uint64_t rows = e_.samples * e_.sequence;
    features_ = e_.heads * e_.width;
    TensorId x = tensor("input", {rows, features_}, TensorKind::kInput);
    const TensorId target = tensor("target", {rows, features_}, TensorKind::kInput);
    network_.inputs = {x, target};
    for (const std::string block : {"a.", "b."}) {
      x = layer(block, x);
    }
    network_.output = x;
    network_.graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {x, target}, {}, {}},
                       {{"loss", TensorKind::kLoss}});
    network_.graph.validate();
  }
  Network network() { return std::move(network_); }

 private:
  using Integers = std::vector<std::int64_t>;

  TensorId tensor(const std::string& name, Shape shape, TensorKind kind) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return network_.graph.add_tensor(std::move(made));
  }
  TensorId apply(const std::string& name, OpType op, std::vector<TensorId> inputs,
                 Attributes attributes = {}) {
    const NodeId made = network_.graph.add(
        Node{name, op, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name, TensorKind::kActivation}});
    return network_.graph.node(made).outputs[0];
  }
  TensorId linear(const std::string& name, TensorId x) {
    const TensorId w = tensor(name + ".weight", {features_, features_}, TensorKind::kParameter);
    return apply(name, OpType::kGemm, {x, w});
  }
  TensorId heads(const std::string& name, TensorId x) {
    const auto i = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
    const TensorId split =
        apply(name + ".split", OpType::kReshape, {linear(name, x)},
              {{"shape", Integers{i(e_.samples), i(e_.sequence), i(e_.heads), i(e_.width)}}});
    return apply(name + ".heads", OpType::kTranspose, {split}, {{"perm", Integers{0, 2, 1, 3}}});
  }
  TensorId layer(const std::string& at, TensorId x) {
    const TensorId q = heads(at + "q", x);
    const TensorId k = heads(at + "k", x);
    const TensorId v = heads(at + "v", x);
    const TensorId scores =
        apply(at + "scores", OpType::kGemm, {q, k}, {{"transB", std::int64_t{1}}});
    const TensorId mix = apply(at + "mix", OpType::kGemm, {scores, v});
    const TensorId rows =
        apply(at + "rows", OpType::kTranspose, {mix}, {{"perm", Integers{0, 2, 1, 3}}});
    const TensorId merged =
        apply(at + "merge", OpType::kReshape, {rows},
              {{"shape", Integers{static_cast<std::int64_t>(e_.samples * e_.sequence),
                                  static_cast<std::int64_t>(features_)}}});
    return apply(at + "add", OpType::kAdd, {linear(at + "proj", merged), x});
  }

  Extents e_;
  std::uint64_t features_;
  Network network_;
};

TEST_CASE("attention's products and transposes run as views, on both units") {
  const bool redmule = GENERATE(false, true);
  const unsigned l1 = GENERATE(32u, 64u, 256u);
  const auto extents = GENERATE(Extents{1, 5, 2, 3}, Extents{2, 7, 3, 4}, Extents{1, 33, 2, 24},
                                Extents{3, 16, 1, 8});
  INFO("redmule " << redmule << ", " << l1 << " KiB, " << extents.samples << " samples of "
                  << extents.sequence << " x " << extents.heads << " x " << extents.width);
  const auto training = make_training_graph(LinearAttention(extents).network(), 1e-6);
  test::check_step(training, test::platform_of(redmule, l1), {});
}

TEST_CASE("no transpose of attention needs an operation") {
  const auto training = make_training_graph(LinearAttention({2, 6, 2, 4}).network(), 0.125);
  const StoragePlan storage(training.graph);
  for (NodeId n = 0; n < training.graph.nodes().size(); ++n) {
    const Node& node = training.graph.node(n);
    if (node.op == OpType::kTranspose || node.op == OpType::kReshape) {
      INFO(node.name);
      CHECK(storage.free(n));
    }
  }
}

TEST_CASE("a reshape of a strided tensor keeps its strides where that is possible") {
  using Strides = std::vector<std::uint64_t>;
  CHECK(reshaped_strides({4, 6}, {6, 1}, {2, 2, 3, 2}) == Strides{12, 6, 2, 1});
  CHECK(reshaped_strides({4, 6}, {1, 4}, {2, 2, 6}) == Strides{2, 1, 4});
  CHECK(!reshaped_strides({4, 6}, {1, 4}, {24}));
  CHECK(!reshaped_strides({4, 6}, {1, 4}, {8, 3}));
  CHECK(reshaped_strides({1, 4, 1}, {9, 3, 7}, {2, 1, 2})->at(0) == 6);
}

}  // namespace
}  // namespace etude::compiler
