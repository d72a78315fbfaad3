// SPDX-License-Identifier: Apache-2.0
// Patterns as one operator, where constants and axes are that operator's.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "workloads/onnx/shape_rules.h"
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Kind = Pattern::Kind;

/// Coefficients by the powers of x and of the function.
using Polynomial = std::map<std::pair<int, int>, double>;
constexpr int kDepth = 12;
constexpr std::size_t kMostTerms = 16;

std::optional<double> number(const RawModel& model, const std::string& name) {
  const auto found = model.constants.find(name);
  if (found == model.constants.end() ||
      found->second.reals.size() + found->second.values.size() != 1) {
    return std::nullopt;
  }
  return found->second.integers ? static_cast<double>(found->second.values[0])
                                : double{found->second.reals[0]};
}

/// What nodes make of x and a function of it, as polynomials of both.
class Expression {
 public:
  Expression(const RawModel& model, const Pattern& pattern) : model_(model), pattern_(pattern) {
    for (const auto* nodes : {&pattern.core, &pattern.tail}) {
      for (std::size_t n : *nodes) {
        makers_[model.nodes[n].outputs.at(0)] = &model.nodes[n];
      }
    }
  }

  std::optional<Polynomial> of(const std::string& value, int depth = kDepth) const {
    if (value == pattern_.x) {
      return Polynomial{{{1, 0}, 1.0}};
    }
    if (value == pattern_.function) {
      return Polynomial{{{0, 1}, 1.0}};
    }
    if (const auto constant = number(model_, value)) {
      return Polynomial{{{0, 0}, *constant}};
    }
    const auto maker = makers_.find(value);
    if (maker == makers_.end() || depth == 0 || maker->second->inputs.empty()) {
      return std::nullopt;
    }
    const RawNode& node = *maker->second;
    const auto a = of(node.inputs[0], depth - 1);
    if (!a || node.op == "Identity" || (node.op == "Cast" && node.integer("to", 0) == kFloatType)) {
      return a;
    }
    if (node.op == "Neg") {
      return product(*a, Polynomial{{{0, 0}, -1.0}});
    }
    if (node.inputs.size() != 2) {
      return std::nullopt;
    }
    const auto b = of(node.inputs[1], depth - 1);
    return b ? combined(node.op, *a, *b) : std::nullopt;
  }

 private:
  static Polynomial sum(Polynomial a, const Polynomial& b, double sign) {
    for (const auto& [power, factor] : b) {
      a[power] += sign * factor;
    }
    std::erase_if(a, [](const auto& term) { return term.second == 0; });
    return a;
  }

  static std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
    Polynomial made;
    for (const auto& [first, factor] : a) {
      for (const auto& [second, other] : b) {
        made[{first.first + second.first, first.second + second.second}] += factor * other;
      }
    }
    return made.size() <= kMostTerms ? std::optional(made) : std::nullopt;
  }

  static std::optional<Polynomial> combined(const std::string& op, const Polynomial& a,
                                            const Polynomial& b) {
    if (op == "Add" || op == "Sub") {
      return sum(a, b, op == "Add" ? 1 : -1);
    }
    if (op == "Mul") {
      return product(a, b);
    }
    if (b.size() != 1 || b.begin()->first != std::pair(0, 0)) {
      return std::nullopt;
    }
    const double constant = b.begin()->second;
    if (op == "Div") {
      return product(a, Polynomial{{{0, 0}, 1 / constant}});
    }
    if (op != "Pow" || (constant != 1 && constant != 2 && constant != 3)) {
      return std::nullopt;
    }
    auto power = std::optional(a);
    for (int i = 1; power && i < static_cast<int>(constant); ++i) {
      power = product(*power, a);
    }
    return power;
  }

  const RawModel& model_;
  const Pattern& pattern_;
  std::map<std::string, const RawNode*> makers_;
};

/// Whether the terms are the same, each factor to 1e-6 of itself: what FP32 leaves of a constant.
bool same(const std::optional<Polynomial>& a, const Polynomial& b) {
  return a && std::ranges::equal(*a, b, [](const auto& one, const auto& other) {
           return one.first == other.first &&
                  std::fabs(one.second - other.second) <= 1e-6 * std::fabs(other.second);
         });
}

}  // namespace

RawNode fused_node(const RawNode& last, const std::string& op, std::vector<std::string> inputs) {
  RawNode made;
  made.op = op;
  made.domain = "com.microsoft";  // of no opset
  made.name = last.name;
  made.inputs = std::move(inputs);
  made.outputs = last.outputs;
  return made;
}

void Translator::fuse(const Pattern& pattern) {
  const bool norm = pattern.kind == Kind::kLayerNorm;
  const bool gelu = pattern.kind == Kind::kErfGelu || pattern.kind == Kind::kTanhGelu ||
                    pattern.kind == Kind::kSigmoidGelu;
  const bool done = values_.contains(pattern.x) && (norm   ? fuse_layer_norm(pattern)
                                                    : gelu ? fuse_gelu(pattern)
                                                           : fuse_softmax(pattern));
  if (!done) {
    for (const auto* nodes : {&pattern.core, &pattern.tail}) {
      std::ranges::for_each(*nodes, [&](std::size_t n) { translate(n); });
    }
  }
}

bool Translator::over_last_axis(const Pattern& pattern) {
  const std::size_t rank = shape(values_.at(pattern.x)).size();
  return rank > 0 && std::ranges::all_of(pattern.means, [&](std::size_t n) {
           const RawNode& node = raw_.nodes[n];
           if (node.has_input(1) && constant(node, 1) == nullptr) {
             return false;
           }
           const auto axes = integers(node, "axes", 1);
           const auto last = static_cast<std::int64_t>(rank) - 1;
           return node.integer("keepdims", 1) != 0 && axes && axes->size() == 1 &&
                  (axes->front() == -1 || axes->front() == last);
         });
}

bool Translator::fuse_layer_norm(const Pattern& pattern) {
  const auto epsilon = number(raw_, pattern.epsilon);
  const auto exponent = pattern.square.empty() ? 2.0 : number(raw_, pattern.square);
  if (!epsilon || !(*epsilon > 0) || exponent != 2.0 || !over_last_axis(pattern)) {
    return false;
  }
  const Shape row{shape(values_.at(pattern.x)).back()};
  const auto fits = [&](const std::string& name) {
    const auto found = raw_.constants.find(name);
    return found != raw_.constants.end() && !found->second.integers && found->second.shape == row;
  };
  const bool scaled = fits(pattern.scale);
  const bool biased = scaled && fits(pattern.bias);
  const std::size_t taken = biased ? 2 : scaled ? 1 : 0;  // nodes of the tail
  const std::size_t last = taken == 0 ? pattern.core.back() : pattern.tail[taken - 1];
  const RawNode node =
      fused_node(raw_.nodes[last], "LayerNormalization", {pattern.x, pattern.scale, pattern.bias});
  std::vector<TensorId> inputs{value(node, 0)};
  inputs.push_back(scaled ? weight(node, 1)
                          : add_constant(node, ".ones", row, std::vector<float>(row[0], 1.0f)));
  if (biased) {
    inputs.push_back(weight(node, 2));
  }
  add(node, OpType::kLayerNorm, inputs, {{"epsilon", *epsilon}}, node.outputs.at(0));
  for (std::size_t i = taken; i < pattern.tail.size(); ++i) {
    translate(pattern.tail[i]);
  }
  return true;
}

bool Translator::fuse_gelu(const Pattern& pattern) {
  const bool sigmoid = pattern.kind == Kind::kSigmoidGelu;
  const bool erf = pattern.kind == Kind::kErfGelu;
  const double slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
  const Polynomial argument = sigmoid ? Polynomial{{{1, 0}, 1.702}}
                              : erf   ? Polynomial{{{1, 0}, 1 / std::numbers::sqrt2}}
                                      : Polynomial{{{1, 0}, slope}, {{3, 0}, slope * 0.044715}};
  const Polynomial whole =
      sigmoid ? Polynomial{{{1, 1}, 1.0}} : Polynomial{{{1, 0}, 0.5}, {{1, 1}, 0.5}};
  const Expression expression(raw_, pattern);
  if (!same(expression.of(pattern.argument), argument)) {
    return false;
  }
  for (std::size_t taken = 0; taken <= pattern.tail.size(); ++taken) {
    const std::size_t last = taken == 0 ? pattern.core.back() : pattern.tail[taken - 1];
    if (!same(expression.of(raw_.nodes[last].outputs.at(0)), whole)) {
      continue;
    }
    RawNode node = fused_node(raw_.nodes[last], sigmoid ? "QuickGelu" : "Gelu", {pattern.x});
    if (!sigmoid) {
      node.attributes["approximate"] = std::string(erf ? "none" : "tanh");
    }
    handler_of(node.domain, node.op)(*this, node);
    for (std::size_t i = taken; i < pattern.tail.size(); ++i) {
      translate(pattern.tail[i]);
    }
    return true;
  }
  return false;
}

bool Translator::ends_in_loss(const std::string& name) const {
  return std::ranges::all_of(raw_.nodes, [&](const RawNode& reader) {
    return std::ranges::count(reader.inputs, name) == 0 || is_loss(reader);
  });
}

bool Translator::fuse_softmax(const Pattern& pattern) {
  const std::size_t last = pattern.core.back();
  const std::string& output = raw_.nodes[last].outputs.at(0);
  if (pattern.kind == Kind::kSoftmax) {
    if (!over_last_axis(pattern)) {
      return false;
    }
    const RawNode node = fused_node(raw_.nodes[last], "Softmax", {pattern.x});
    add(node, OpType::kSoftmax, {value(node, 0)}, {}, output);
    return true;
  }
  const bool whole = pattern.kind == Kind::kLogOfSoftmax;
  if (!ends_in_loss(output) || (!whole && !over_last_axis(pattern))) {
    return false;
  }
  RawNode node = fused_node(raw_.nodes[last], "LogSoftmax", {pattern.x});
  if (whole) {
    node.attributes = raw_.nodes[pattern.core.front()].attributes;
  } else {
    node.attributes["axis"] = static_cast<std::int64_t>(shape(values_.at(pattern.x)).size()) - 1;
  }
  raw_.nodes[last] = node;  // a loss looks for it
  handler_of(node.domain, node.op)(*this, raw_.nodes[last]);
  return true;
}

}  // namespace etude::onnxio
