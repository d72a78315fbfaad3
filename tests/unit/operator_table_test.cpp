// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/operator_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "compiler/emit/emit.h"
#include "compiler/lower/lower.h"
#include "compiler/operators/not_available.h"
#include "tests/support/feed_bench.h"
#include "tests/support/small_graph.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/onnx_export.h"
#include "workloads/onnx/translator.h"

namespace etude::compiler {
namespace {

/// What lowers each operator, written down a second time.
const std::map<Family, std::set<OpType>> kFamilies{
    {Family::kGemm, {OpType::kGemm}},
    {Family::kMse, {OpType::kMseLoss, OpType::kBceLoss}},
    {Family::kWithLoss, {OpType::kMseLossGrad, OpType::kBceLossGrad}},
    {Family::kCrossEntropy, {OpType::kSoftmaxCrossEntropy, OpType::kSoftmaxCrossEntropyGrad}},
    {Family::kReduce, {OpType::kReduceSum}},
    {Family::kCopy, {OpType::kReshape, OpType::kTranspose}},
    {Family::kConv, {OpType::kConv}},
    {Family::kConvGradWeight, {OpType::kConvGradWeight}},
    {Family::kConvGradInput, {OpType::kConvGradInput}},
    {Family::kBatchNorm,
     {OpType::kBatchNorm, OpType::kBatchNormGrad, OpType::kBatchNormAffineGrad}},
    {Family::kPool,
     {OpType::kMaxPool, OpType::kMaxPoolGrad, OpType::kAveragePool, OpType::kAveragePoolGrad}},
    {Family::kRowwise,
     {OpType::kLayerNorm, OpType::kLayerNormGrad, OpType::kSoftmax, OpType::kSoftmaxGrad}},
    {Family::kLayerNormAffineGrad, {OpType::kLayerNormAffineGrad}},
    {Family::kUpdate, {OpType::kSgd, OpType::kMomentum, OpType::kAdam}},
    {Family::kNormStatistics, {OpType::kBatchNormStatistics}},
    {Family::kMove, {OpType::kSlice, OpType::kPad, OpType::kConcat}},
    {Family::kGather, {OpType::kGather, OpType::kGatherGrad}},
    {Family::kLogSoftmax, {OpType::kLogSoftmax, OpType::kLogSoftmaxGrad}},
    {Family::kRmsNorm, {OpType::kRmsNorm, OpType::kRmsNormGrad, OpType::kRmsNormScaleGrad}},
    {Family::kElementwise,
     {OpType::kRelu,      OpType::kReluGrad,      OpType::kRelu6,       OpType::kRelu6Grad,
      OpType::kAdd,       OpType::kSub,           OpType::kMul,         OpType::kDiv,
      OpType::kScale,     OpType::kSigmoid,       OpType::kSigmoidGrad, OpType::kTanh,
      OpType::kTanhGrad,  OpType::kGelu,          OpType::kGeluGrad,    OpType::kExpand,
      OpType::kPiecewise, OpType::kPiecewiseGrad, OpType::kElu,         OpType::kEluGrad,
      OpType::kExp,       OpType::kLog,           OpType::kSoftplus,    OpType::kErf,
      OpType::kSqrt,      OpType::kReciprocal,    OpType::kPower,       OpType::kSin,
      OpType::kCos,       OpType::kMax,           OpType::kMin,         OpType::kMaxGrad}},
};

TEST_CASE("every operator has one row, and that is its own", "[operator_table]") {
  std::set<const OperatorRow*> rows;
  for (const OperatorNames& each : kOperators) {
    INFO(each.name);
    const OperatorRow& row = row_of(each.type);
    CHECK(row.type == each.type);
    CHECK(rows.insert(&row).second);
  }
  CHECK(rows.size() == kOperators.size());
}

TEST_CASE("operators are told apart by their names, and numbered in the order of the list",
          "[operator_table]") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kOperators.size(); ++i) {
    CHECK(static_cast<std::size_t>(kOperators[i].type) == i);
    CHECK(names.insert(kOperators[i].name).second);
    CHECK(name_of(kOperators[i].type) == std::string(kOperators[i].name));
    CHECK(names_of(kOperators[i].type).type == kOperators[i].type);
    CHECK_FALSE(std::string(kOperators[i].name).empty());
  }
}

TEST_CASE("an ONNX name belongs to one operator, but where a writer adds what tells them apart",
          "[operator_table]") {
  std::map<std::string, OpType> seen;
  for (const OperatorNames& each : kOperators) {
    INFO(each.name);
    const std::string onnx(each.onnx);
    CHECK(onnx.empty() == (each.form == OnnxForm::kOwn));  // ours go by their own name
    if (each.form == OnnxForm::kStandard || each.form == OnnxForm::kMicrosoft) {
      CHECK(seen.emplace(onnx, each.type).second);
    }
    if (each.form != OnnxForm::kStandard) {
      CHECK((each.onnx_attributes.empty() || each.form == OnnxForm::kMicrosoft));
    }
  }
}

TEST_CASE("each operator is lowered by its family", "[operator_table]") {
  std::size_t counted = 0;
  for (const auto& [family, types] : kFamilies) {
    for (const OpType type : types) {
      INFO(name_of(type));
      CHECK(row_of(type).family == family);
      ++counted;
    }
  }
  CHECK(counted == kOperators.size());
}

TEST_CASE("elementwise operators and no others have a kernel", "[operator_table]") {
  for (const OperatorNames& each : kOperators) {
    INFO(each.name);
    const OperatorRow& row = row_of(each.type);
    const bool elementwise = row.family == Family::kElementwise;
    CHECK((row.elements != Elements::kNone) == elementwise);
    CHECK((row.kernel != ETUDE_KERNELS) == elementwise);
  }
}

TEST_CASE("the kernel of an operator has the operator's name", "[operator_table]") {
  // Those of another name, and why.
  const std::map<OpType, std::string> others{
      {OpType::kExpand, "copy"},  // repeated by pitches of 0
      // short names are those of functions that kernels share
      {OpType::kExp, "exponential"},
      {OpType::kLog, "logarithm"},
      {OpType::kSqrt, "square_root"},
      {OpType::kSin, "sine"},
      {OpType::kCos, "cosine"},
      {OpType::kMax, "maximum"},
      {OpType::kMin, "minimum"},
      {OpType::kMaxGrad, "maximum_grad"},
  };
  for (const OpType type : kFamilies.at(Family::kElementwise)) {
    std::string name;  // ReluGrad: relu_grad
    for (const char c : std::string(name_of(type))) {
      const bool upper = c >= 'A' && c <= 'Z';
      name += upper && !name.empty() ? "_" : "";
      name += static_cast<char>(upper ? c - 'A' + 'a' : c);
    }
    const auto other = others.find(type);
    INFO(name);
    CHECK(etude_kernel_name(row_of(type).kernel) == (other == others.end() ? name : other->second));
  }
}

TEST_CASE("operands of elementwise operators: one, two, or a gradient with what it needs",
          "[operator_table]") {
  const std::map<Elements, std::set<OpType>> operands{
      {Elements::kUnary,
       {OpType::kRelu, OpType::kRelu6, OpType::kScale, OpType::kSigmoid, OpType::kTanh,
        OpType::kExpand, OpType::kExp, OpType::kLog, OpType::kSoftplus, OpType::kErf, OpType::kSqrt,
        OpType::kReciprocal, OpType::kSin, OpType::kCos}},
      {Elements::kBinary,
       {OpType::kAdd, OpType::kSub, OpType::kMul, OpType::kDiv, OpType::kMax, OpType::kMin}},
      {Elements::kResultGrad,
       {OpType::kReluGrad, OpType::kRelu6Grad, OpType::kSigmoidGrad, OpType::kTanhGrad}},
      {Elements::kGelu, {OpType::kGelu}},
      {Elements::kGeluGrad, {OpType::kGeluGrad}},
      {Elements::kFunction, {OpType::kPiecewise, OpType::kElu, OpType::kPower}},
      {Elements::kFunctionGrad, {OpType::kPiecewiseGrad, OpType::kEluGrad}},
      {Elements::kMaximumGrad, {OpType::kMaxGrad}},
  };
  std::size_t counted = 0;
  for (const auto& [elements, types] : operands) {
    for (const OpType type : types) {
      INFO(name_of(type));
      CHECK(row_of(type).elements == elements);
      ++counted;
    }
  }
  CHECK(counted == kFamilies.at(Family::kElementwise).size());
}

TEST_CASE("activations that run with what is before them are the two that clip",
          "[operator_table]") {
  for (const OperatorNames& each : kOperators) {
    INFO(each.name);
    const std::uint32_t wanted = each.type == OpType::kRelu    ? ETUDE_ACTIVATION_RELU
                                 : each.type == OpType::kRelu6 ? ETUDE_ACTIVATION_RELU6
                                                               : ETUDE_ACTIVATION_NONE;
    CHECK(row_of(each.type).activation == wanted);
  }
}

TEST_CASE("an operator's row leads to its kernel on the tape", "[operator_table]") {
  // Operators of one or two operands of one shape; the others need attributes.
  for (const OpType type : {OpType::kRelu, OpType::kRelu6, OpType::kSigmoid, OpType::kTanh,
                            OpType::kAdd, OpType::kSub, OpType::kMul, OpType::kDiv, OpType::kExp,
                            OpType::kPiecewise, OpType::kElu, OpType::kPower, OpType::kMax}) {
    test::FeedBench bench;
    const TensorId a = bench.tensor("a", {4, 4}), b = bench.tensor("b", {4, 4});
    const bool two = row_of(type).elements == Elements::kBinary;
    bench.node("y", type, two ? std::vector{a, b} : std::vector{a});
    emit_operator(bench.context());
    std::set<std::string> kernels;
    for (const PlanOp& op : bench.context().tape.ops) {
      if (const auto* call = op.as<KernelCall>()) {
        kernels.insert(etude_kernel_name(call->kernel));
      }
    }
    INFO(name_of(type));
    CHECK(kernels == std::set<std::string>{etude_kernel_name(row_of(type).kernel)});
  }
}

TEST_CASE(
    "moving statistics without their normalisation are refused by name, a loss's gradient without "
    "its loss too",
    "[operator_table]") {
  test::SmallGraph made;
  const TensorId x = made.input("x", {2, 3, 4, 4});
  made.node(OpType::kBatchNormStatistics, "stats", {3},
            {x, made.input("mean", {3}), made.input("variance", {3})});
  TrainingGraph training;
  training.graph = made.graph;
  CHECK_THROWS_AS(lower_step(training, PlatformConfig{}, {}), NotAvailable);
  CHECK_THROWS_WITH(lower_step(training, PlatformConfig{}, {}),
                    Catch::Contains("'n.stats'") && Catch::Contains("no normalisation uses"));
  test::FeedBench bench;
  const TensorId y = bench.tensor("y", {2, 3}), t = bench.tensor("t", {2, 3});
  bench.node("dy", OpType::kMseLossGrad, {y, t});
  CHECK_THROWS_WITH(emit_operator(bench.context()),
                    Catch::Contains("'dy.node'") && Catch::Contains("beside its loss"));
}

/// Ours, of the standard and of com.microsoft.
const std::vector<std::string> kDomains{"ai.etude", "", "com.microsoft"};

TEST_CASE("whatever is written to ONNX has a reader: by its ONNX name, and by ours",
          "[operator_table]") {
  for (const OperatorNames& each : kOperators) {
    INFO(each.name);
    CHECK(onnxio::handler_of("ai.etude", each.name) != nullptr);
    const std::string onnx(each.onnx);
    switch (each.form) {
      case OnnxForm::kOwn:
        break;
      case OnnxForm::kStandard:
        CHECK(onnxio::handler_of("", onnx) != nullptr);
        break;
      case OnnxForm::kMicrosoft:
        CHECK(onnxio::handler_of("com.microsoft", onnx) != nullptr);
        break;
      case OnnxForm::kWritten:
        CHECK((onnxio::handler_of("", onnx) != nullptr ||
               onnxio::handler_of("com.microsoft", onnx) != nullptr));
    }
  }
  for (const std::string& domain : kDomains) {
    CHECK(onnxio::handler_of(domain, "NoSuchOperator") == nullptr);
  }
}

/// loss = mse(op(x w), target): a step with an operator and its gradient.
TrainingGraph step_of(OpType type, const Attributes& attributes) {
  Network network;
  Graph& graph = network.graph;
  graph.name = "one";
  const auto tensor = [&](const std::string& name, TensorKind kind, Shape shape) {
    Tensor made;
    made.name = name;
    made.kind = kind;
    made.shape = std::move(shape);
    made.trainable = kind == TensorKind::kParameter;
    return graph.add_tensor(std::move(made));
  };
  const auto apply = [&](const std::string& name, OpType op, std::vector<TensorId> inputs,
                         Attributes with, TensorKind kind) {
    const NodeId made =
        graph.add(Node{"n." + name, op, Phase::kForward, std::move(inputs), {}, std::move(with)},
                  {{name, kind}});
    return graph.node(made).outputs[0];
  };
  const TensorId x = tensor("x", TensorKind::kInput, {4, 6});
  const TensorId w = tensor("w", TensorKind::kParameter, {6, 6});
  const TensorId y = apply("y", OpType::kGemm, {x, w}, {}, TensorKind::kActivation);
  const bool two = row_of(type).elements == Elements::kBinary;
  const TensorId z = apply("z", type, two ? std::vector{y, x} : std::vector{y}, attributes,
                           TensorKind::kActivation);
  const TensorId target = tensor("target", TensorKind::kInput, graph.tensor(z).shape);
  apply("loss", OpType::kMseLoss, {z, target}, {}, TensorKind::kLoss);
  network.inputs = {x, target};
  network.output = z;
  return make_training_graph(std::move(network), 0.25);
}

std::map<OpType, int> counts(const TrainingGraph& training) {
  std::map<OpType, int> found;
  for (const Node& node : training.graph.nodes()) {
    ++found[node.op];
  }
  return found;
}

TEST_CASE("a step keeps its operators on the way through a file", "[operator_table]") {
  const std::vector<std::pair<OpType, Attributes>> steps{
      {OpType::kRelu, {}},
      {OpType::kRelu6, {}},
      {OpType::kSigmoid, {}},
      {OpType::kTanh, {}},
      {OpType::kScale, {{"factor", 0.5}}},
      {OpType::kGelu, {{"approximate", std::string("none")}}},
      {OpType::kGelu, {{"approximate", std::string("tanh")}}},
      {OpType::kAdd, {}},
      {OpType::kSub, {}},
      {OpType::kMul, {}},
      {OpType::kDiv, {}},
      {OpType::kSoftmax, {}},
      {OpType::kTranspose, {{"perm", std::vector<std::int64_t>{1, 0}}}},
      {OpType::kReshape, {{"shape", std::vector<std::int64_t>{2, 12}}}},
      {OpType::kExpand, {{"shape", std::vector<std::int64_t>{3, 4, 6}}}},
      {OpType::kReduceSum, {{"axes", std::vector<std::int64_t>{0}}}},
  };
  const test::TempFolder folder;
  for (const auto& [type, attributes] : steps) {
    INFO(name_of(type));
    const TrainingGraph written = step_of(type, attributes);
    StartValues start;
    draw_parameters(written.graph, 1, start);
    const auto file = folder.path() / "step.onnx";
    write_onnx(file, written, start);
    const TrainingGraph read = make_training_graph(read_onnx(file), 0);
    const auto before = counts(written);
    auto after = counts(read);
    for (const auto& [op, count] : before) {
      INFO(name_of(op));
      CHECK(after[op] >= count);
    }
    CHECK(before.contains(type));
  }
}

}  // namespace
}  // namespace etude::compiler
