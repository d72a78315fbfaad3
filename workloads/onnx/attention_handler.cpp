// SPDX-License-Identifier: Apache-2.0
// Attention (opset 23): scaled products of queries and keys, a mask, softmax, products with values.
#include <cmath>
#include <limits>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;
constexpr float kLowest = std::numeric_limits<float>::lowest();

/// What is asked for beyond it. Errors: UserError naming it.
void expect_plain(Translator& to, const RawNode& node) {
  if (node.has_input(4) || node.has_input(5) || node.has_input(6) || node.has_output(1) ||
      node.has_output(2) || node.has_output(3)) {
    to.reject(node, "has past keys and values, lengths, or more outputs than its result",
              "queries, keys, values and a mask are supported");
  }
  if (node.real("softcap", 0) != 0) {
    to.reject(node, "has a softcap", "0 is supported");
  }
  if (node.integer("q_num_heads", 0) != node.integer("kv_num_heads", 0)) {
    to.reject(node, "has other numbers of heads for queries than for keys",
              "equal numbers are supported");
  }
}

/// [samples, heads, length, width] of an input that may be [samples, length, heads * width].
TensorId heads_of(Translator& to, const RawNode& node, std::size_t input) {
  static const char* const kNames[] = {".queries", ".keys", ".values"};
  const TensorId x = to.value(node, input);
  const Shape shape = to.shape(x);
  const auto heads = static_cast<std::uint64_t>(node.integer("q_num_heads", 0));
  if (shape.size() == 4) {
    return x;
  }
  if (shape.size() != 3 || heads == 0 || shape[2] % heads != 0) {
    to.reject(node, "works on data of shape " + to_string(shape),
              "[samples,heads,length,width], or [samples,length,columns] with q_num_heads and "
              "kv_num_heads, are supported");
  }
  const Integers split{static_cast<std::int64_t>(shape[0]), static_cast<std::int64_t>(shape[1]),
                       static_cast<std::int64_t>(heads),
                       static_cast<std::int64_t>(shape[2] / heads)};
  const std::string name = kNames[input];
  const TensorId parts =
      to.add_between(node, OpType::kReshape, {x}, {{"shape", split}}, name + ".split");
  return to.add_between(node, OpType::kTranspose, {parts}, {{"perm", Integers{0, 2, 1, 3}}}, name);
}

/// A mask as numbers that are added to the scores: of truth values those of what is left out.
TensorId added_mask(Translator& to, const RawNode& node) {
  const RawTensor* held = to.constant(node, 3);
  if (held == nullptr) {
    return to.value(node, 3);  // refuses truth values
  }
  std::vector<float> added = held->reals;
  if (held->integers) {
    for (std::int64_t kept : held->values) {
      added.push_back(kept != 0 ? 0.0f : kLowest);
    }
  }
  Translator::soften(added, held->shape);
  return to.add_constant(node, ".mask", held->shape, std::move(added));
}

/// Queries see keys up to their own position.
TensorId causal_mask(Translator& to, const RawNode& node, std::uint64_t queries,
                     std::uint64_t keys) {
  std::vector<float> added(queries * keys, 0.0f);
  for (std::uint64_t q = 0; q < queries; ++q) {
    for (std::uint64_t k = q + 1; k < keys; ++k) {
      added[q * keys + k] = kLowest;
    }
  }
  return to.add_constant(node, ".causal", {queries, keys}, std::move(added));
}

void attention(Translator& to, const RawNode& node) {
  expect_plain(to, node);
  const TensorId q = heads_of(to, node, 0);
  const TensorId k = heads_of(to, node, 1);
  const TensorId v = heads_of(to, node, 2);
  const Shape queries = to.shape(q), keys = to.shape(k);
  if (queries[1] != keys[1] || queries[3] != keys[3] || to.shape(v)[1] != keys[1]) {
    to.reject(node, "has queries " + to_string(queries) + " for keys " + to_string(keys),
              "heads and widths are equal");
  }
  const auto product = [&](TensorId a, TensorId b, const std::string& suffix) {
    return to.add_between(node, OpType::kGemm, {a, b},
                          {{"transA", std::int64_t{0}}, {"transB", std::int64_t{0}}}, suffix);
  };
  const TensorId turned =
      to.add_between(node, OpType::kTranspose, {k}, {{"perm", Integers{0, 1, 3, 2}}}, ".turned");
  const double scale = node.real("scale", 1 / std::sqrt(static_cast<double>(queries[3])));
  TensorId scores = to.add_between(node, OpType::kScale, {product(q, turned, ".scores")},
                                   {{"factor", scale}}, ".scaled");
  if (node.has_input(3)) {
    scores = to.add_between(node, OpType::kAdd, {scores, added_mask(to, node)}, {}, ".masked");
  }
  if (node.integer("is_causal", 0) != 0) {
    const TensorId mask = causal_mask(to, node, queries[2], keys[2]);
    scores = to.add_between(node, OpType::kAdd, {scores, mask}, {}, ".past");
  }
  const TensorId weights = to.add_between(node, OpType::kSoftmax, {scores}, {}, ".weights");
  const TensorId y = product(weights, v, ".heads");
  const Shape made = to.shape(y);
  if (to.shape(to.value(node, 0)).size() == 4) {
    to.add(node, OpType::kReshape, {y}, {{"shape", Integers(made.begin(), made.end())}},
           node.outputs.at(0));
    return;
  }
  const TensorId back =
      to.add_between(node, OpType::kTranspose, {y}, {{"perm", Integers{0, 2, 1, 3}}}, ".joined");
  to.add(node, OpType::kReshape, {back},
         {{"shape", Integers{static_cast<std::int64_t>(made[0]), static_cast<std::int64_t>(made[2]),
                             static_cast<std::int64_t>(made[1] * made[3])}}},
         node.outputs.at(0));
}

}  // namespace

Handler attention_handler_of(const std::string& op) {
  return op == "Attention" ? attention : nullptr;
}

}  // namespace etude::onnxio
