// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/patterns.h"

#include <algorithm>
#include <map>
#include <optional>

namespace etude::onnxio {

namespace {

using Nodes = std::set<std::size_t>;

/// Who makes and who reads each value, and which values depend on no input.
class Uses {
 public:
  Uses(const RawModel& model, const std::vector<std::size_t>& order) : model_(model) {
    for (std::size_t n = 0; n < model.nodes.size(); ++n) {
      for (const auto& output : model.nodes[n].outputs) {
        makers_[output] = n;
      }
      for (const auto& input : model.nodes[n].inputs) {
        readers_[input].insert(n);
      }
    }
    for (const RawValue& output : model.outputs) {
      outputs_.insert(output.name);
    }
    for (const auto& [name, constant] : model.constants) {
      constants_.insert(name);
    }
    for (std::size_t n : order) {
      const RawNode& node = model.nodes[n];
      const bool constant =
          node.op == "Shape" || node.op == "Size" ||
          (!node.inputs.empty() && std::ranges::all_of(node.inputs, [&](const auto& input) {
            return input.empty() || constants_.contains(input);
          }));
      if (constant) {
        constants_.insert(node.outputs.begin(), node.outputs.end());
      }
    }
  }

  const RawNode& node(std::size_t n) const { return model_.nodes[n]; }
  bool is_constant(const std::string& value) const { return constants_.contains(value); }
  /// The standard node of one of those operators that makes a value.
  std::optional<std::size_t> maker(const std::string& value,
                                   std::initializer_list<const char*> ops) const {
    const auto found = makers_.find(value);
    return found != makers_.end() && is(found->second, ops) ? std::optional(found->second)
                                                            : std::nullopt;
  }
  bool is(std::size_t n, std::initializer_list<const char*> ops) const {
    return node(n).domain.empty() && std::ranges::count(ops, node(n).op) > 0;
  }
  /// The only reader of a value that is no output of the graph.
  std::optional<std::size_t> only_reader(const std::string& value) const {
    const auto found = readers_.find(value);
    return found != readers_.end() && found->second.size() == 1 && !outputs_.contains(value)
               ? std::optional(*found->second.begin())
               : std::nullopt;
  }
  Nodes readers(const std::string& value) const {
    const auto found = readers_.find(value);
    return found == readers_.end() ? Nodes{} : found->second;
  }
  bool is_output(const std::string& value) const { return outputs_.contains(value); }
  /// Follows a value back through casts to FLOAT, which all data are, and notes these nodes.
  std::string origin(std::string value, Nodes& inside) const {
    for (auto cast = maker(value, {"Cast"}); cast && node(*cast).integer("to", 0) == kFloatType;
         cast = maker(value, {"Cast"})) {
      inside.insert(*cast);
      value = node(*cast).inputs.at(0);
    }
    return value;
  }
  /// The operand of a node of two that is not `value`; "" if neither or both are.
  std::string other(std::size_t n, const std::string& value) const {
    const auto& inputs = node(n).inputs;
    if (inputs.size() != 2 || (inputs[0] == value) == (inputs[1] == value)) {
      return "";
    }
    return inputs[0] == value ? inputs[1] : inputs[0];
  }
  /// Whether nothing but the nodes themselves reads what those but `last` make.
  bool closed(const Nodes& nodes, std::size_t last) const {
    return std::ranges::all_of(nodes, [&](std::size_t n) {
      return n == last || std::ranges::all_of(node(n).outputs, [&](const std::string& value) {
               const Nodes reads = readers(value);
               return !outputs_.contains(value) && !reads.empty() &&
                      std::ranges::includes(nodes, reads);
             });
    });
  }

 private:
  const RawModel& model_;
  std::map<std::string, std::size_t> makers_;
  std::map<std::string, Nodes> readers_;
  std::set<std::string> outputs_, constants_;
};

class Finder {
 public:
  Finder(const RawModel& model, const std::vector<std::size_t>& order)
      : uses_(model, order), position_(model.nodes.size()) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      position_[order[i]] = i;
    }
    for (std::size_t n : order) {
      if (uses_.is(n, {"Sqrt"})) {
        layer_norm(n);
      } else if (uses_.is(n, {"Erf"})) {
        gelu(n, Pattern::Kind::kErfGelu);
      } else if (uses_.is(n, {"Tanh"})) {
        gelu(n, Pattern::Kind::kTanhGelu);
      } else if (uses_.is(n, {"Sigmoid"})) {
        gelu(n, Pattern::Kind::kSigmoidGelu);
      } else if (uses_.is(n, {"Exp"})) {
        softmax(n);
      } else if (uses_.is(n, {"Log"})) {
        log_of_softmax(n);
      }
    }
  }

  std::vector<Pattern> found;

 private:
  /// Takes the pattern if its nodes are free and closed.
  void take(Pattern pattern, const Nodes& core, std::size_t last) {
    Nodes all = core;
    all.insert(pattern.tail.begin(), pattern.tail.end());
    const std::size_t end = pattern.tail.empty() ? last : pattern.tail.back();
    const bool free = std::ranges::none_of(all, [&](std::size_t n) { return taken_.contains(n); });
    if (!free || !uses_.closed(core, last) || !uses_.closed(all, end)) {
      return;
    }
    taken_.insert(all.begin(), all.end());
    pattern.core.assign(core.begin(), core.end());
    std::ranges::sort(pattern.core, {}, [&](std::size_t n) { return position_[n]; });
    found.push_back(std::move(pattern));
  }

  /// x of Sub(x, ReduceMean(x)).
  std::string centred(const std::string& value, Nodes& inside, Pattern& pattern) {
    const auto difference = uses_.maker(uses_.origin(value, inside), {"Sub"});
    if (!difference || uses_.node(*difference).inputs.size() != 2) {
      return "";
    }
    const RawNode& sub = uses_.node(*difference);
    const auto mean = uses_.maker(uses_.origin(sub.inputs[1], inside), {"ReduceMean"});
    if (!mean) {
      return "";
    }
    std::string x = sub.inputs[0];
    const std::string& averaged = uses_.node(*mean).inputs.at(0);
    if (x != averaged) {  // one of them through a cast
      x = uses_.origin(x, inside);
      if (uses_.origin(averaged, inside) != x) {
        return "";
      }
    }
    inside.insert({*difference, *mean});
    pattern.means.push_back(*mean);
    return x;
  }

  void layer_norm(std::size_t root) {
    Pattern pattern;
    Nodes core{root};
    const auto sum = uses_.maker(uses_.origin(uses_.node(root).inputs.at(0), core), {"Add"});
    if (!sum || uses_.node(*sum).inputs.size() != 2) {
      return;
    }
    core.insert(*sum);
    const auto& terms = uses_.node(*sum).inputs;
    const std::size_t constant = uses_.is_constant(terms[1]) ? 1 : 0;
    pattern.epsilon = terms[constant];
    const auto mean = uses_.maker(uses_.origin(terms[1 - constant], core), {"ReduceMean"});
    if (!mean || !uses_.is_constant(pattern.epsilon)) {
      return;
    }
    core.insert(*mean);
    pattern.means.push_back(*mean);
    const auto square =
        uses_.maker(uses_.origin(uses_.node(*mean).inputs.at(0), core), {"Pow", "Mul"});
    if (!square || uses_.node(*square).inputs.size() != 2) {
      return;
    }
    core.insert(*square);
    const auto& factors = uses_.node(*square).inputs;
    if (uses_.node(*square).op == "Pow") {
      pattern.square = factors[1];
    } else if (factors[0] != factors[1]) {
      return;
    }
    pattern.x = centred(factors[0], core, pattern);
    const auto last = quotient(uses_.node(root).outputs.at(0), core, pattern);
    if (pattern.x.empty() || uses_.is_constant(pattern.x) || !last) {
      return;
    }
    affine(*last, pattern);
    take(pattern, core, *last);
  }

  /// The node that divides the centred data by the root, in one step or by its reciprocal.
  std::optional<std::size_t> quotient(const std::string& root, Nodes& core, Pattern& pattern) {
    auto reader = uses_.only_reader(root);
    std::string divisor = root;
    if (reader && uses_.is(*reader, {"Reciprocal"})) {
      core.insert(*reader);
      divisor = uses_.node(*reader).outputs.at(0);
      reader = uses_.only_reader(divisor);
    }
    const bool inverted = divisor != root;
    if (!reader || !uses_.is(*reader, {inverted ? "Mul" : "Div"})) {
      return std::nullopt;
    }
    const std::string data = uses_.other(*reader, divisor);
    const bool right = inverted || uses_.node(*reader).inputs.at(1) == divisor;
    if (data.empty() || !right || centred(data, core, pattern) != pattern.x) {
      return std::nullopt;
    }
    core.insert(*reader);
    return reader;
  }

  /// Scale and bias behind the quotient, constants both.
  void affine(std::size_t last, Pattern& pattern) {
    for (const char* op : {"Mul", "Add"}) {
      const std::string& value = uses_.node(last).outputs.at(0);
      const auto next = uses_.only_reader(value);
      const std::string operand = next && uses_.is(*next, {op}) ? uses_.other(*next, value) : "";
      if (operand.empty() || !uses_.is_constant(operand)) {
        return;
      }
      pattern.tail.push_back(*next);
      (*op == 'M' ? pattern.scale : pattern.bias) = operand;
      last = *next;
    }
  }

  /// Nodes of a polynomial of `x` that make `value`; false when it is none.
  bool polynomial(const std::string& value, const std::string& x, Nodes& inside, int depth) {
    if (value == x || uses_.is_constant(value)) {
      return true;
    }
    const auto node =
        uses_.maker(value, {"Add", "Sub", "Mul", "Div", "Pow", "Neg", "Cast", "Identity"});
    if (!node || depth == 0) {
      return false;
    }
    inside.insert(*node);
    return std::ranges::all_of(uses_.node(*node).inputs, [&](const std::string& input) {
      return polynomial(input, x, inside, depth - 1);
    });
  }

  /// What the nodes behind an Erf, Tanh or Sigmoid multiply it with: x, or x and a number.
  void gelu(std::size_t function, Pattern::Kind kind) {
    constexpr int kDepth = 8;
    Pattern pattern;
    pattern.kind = kind;
    pattern.function = uses_.node(function).outputs.at(0);
    pattern.argument = uses_.node(function).inputs.at(0);
    std::vector<std::size_t> chain;
    std::string value = pattern.function;
    std::string data;
    std::size_t end = 0;  // nodes of the chain up to the one that reads x
    for (auto next = uses_.only_reader(value); next && chain.size() < 5;
         next = uses_.only_reader(value)) {
      if (!uses_.is(*next, {"Add", "Mul", "Div", "Cast"})) {
        break;
      }
      const std::string operand = uses_.is(*next, {"Cast"}) ? "" : uses_.other(*next, value);
      const bool plain = uses_.is(*next, {"Cast"}) || uses_.is_constant(operand);
      if (!plain && (operand.empty() || !data.empty() || !uses_.is(*next, {"Mul"}))) {
        break;
      }
      chain.push_back(*next);
      if (!plain) {
        data = operand;
        end = chain.size();
      }
      value = uses_.node(*next).outputs.at(0);
    }
    if (data.empty()) {
      return;
    }
    for (const std::string& x : {data, factor_of(data)}) {
      Nodes core{function};
      core.insert(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(end));
      if (!x.empty() && !uses_.is_constant(x) && pattern.argument != x &&
          polynomial(pattern.argument, x, core, kDepth) && polynomial(data, x, core, kDepth)) {
        pattern.x = x;
        pattern.tail.assign(chain.begin() + static_cast<std::ptrdiff_t>(end), chain.end());
        take(pattern, core, chain[end - 1]);
        return;
      }
    }
  }

  /// x of Mul(x, constant) or Div(x, constant).
  std::string factor_of(const std::string& value) {
    const auto product = uses_.maker(value, {"Mul", "Div"});
    if (!product || uses_.node(*product).inputs.size() != 2) {
      return "";
    }
    const auto& inputs = uses_.node(*product).inputs;
    return uses_.is_constant(inputs[1])                                       ? inputs[0]
           : uses_.is_constant(inputs[0]) && uses_.node(*product).op == "Mul" ? inputs[1]
                                                                              : "";
  }

  /// Exp, ReduceSum and Div, or ReduceSum, Log and Sub; with or without the largest taken away.
  void softmax(std::size_t exponential) {
    Pattern pattern;
    Nodes core{exponential};
    const std::string& power = uses_.node(exponential).outputs.at(0);
    std::optional<std::size_t> sum;
    for (std::size_t reader : uses_.readers(power)) {
      sum = uses_.is(reader, {"ReduceSum"}) ? reader : sum;
    }
    if (!sum) {
      return;
    }
    core.insert(*sum);
    pattern.means.push_back(*sum);
    const std::string& shifted = uses_.node(exponential).inputs.at(0);
    auto last = uses_.only_reader(uses_.node(*sum).outputs.at(0));
    if (last && uses_.is(*last, {"Log"})) {
      pattern.kind = Pattern::Kind::kLogSoftmax;
      core.insert(*last);
      last = uses_.only_reader(uses_.node(*last).outputs.at(0));
    } else {
      pattern.kind = Pattern::Kind::kSoftmax;
    }
    const bool log = pattern.kind == Pattern::Kind::kLogSoftmax;
    if (!last || !uses_.is(*last, {log ? "Sub" : "Div"}) ||
        uses_.node(*last).inputs.at(0) != (log ? shifted : power)) {
      return;
    }
    core.insert(*last);
    pattern.x = shifted;
    if (const auto difference = uses_.maker(shifted, {"Sub"})) {
      const auto& inputs = uses_.node(*difference).inputs;
      const auto largest = uses_.maker(inputs.at(1), {"ReduceMax"});
      if (largest && uses_.node(*largest).inputs.at(0) == inputs.at(0)) {
        core.insert({*difference, *largest});
        pattern.means.push_back(*largest);
        pattern.x = inputs[0];
      }
    }
    take(pattern, core, *last);
  }

  void log_of_softmax(std::size_t logarithm) {
    Pattern pattern;
    pattern.kind = Pattern::Kind::kLogOfSoftmax;
    if (const auto maker = uses_.maker(uses_.node(logarithm).inputs.at(0), {"Softmax"})) {
      pattern.x = uses_.node(*maker).inputs.at(0);
      take(pattern, {*maker, logarithm}, logarithm);
    }
  }

  Uses uses_;
  std::vector<std::size_t> position_;
  Nodes taken_;
};

}  // namespace

std::vector<Pattern> find_patterns(const RawModel& model, const std::vector<std::size_t>& order) {
  return Finder(model, order).found;
}

}  // namespace etude::onnxio
