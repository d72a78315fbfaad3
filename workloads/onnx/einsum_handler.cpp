// SPDX-License-Identifier: Apache-2.0
// Einsum of one or two tensors, where it is a transpose or a (stack of) matrix products between
// transposes.
#include <algorithm>
#include <optional>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

/// The letters of an equation; nothing for one in another form.
struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

bool distinct_letters(const std::string& letters) {
  std::string sorted = letters;
  std::ranges::sort(sorted);
  const bool letters_only = std::ranges::all_of(
      sorted, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return letters_only && std::ranges::adjacent_find(sorted) == sorted.end();
}

std::optional<Equation> parse(std::string text) {
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  if (arrow == std::string::npos) {
    return std::nullopt;
  }
  Equation made;
  made.output = text.substr(arrow + 2);
  std::string rest = text.substr(0, arrow) + ",";
  for (auto comma = rest.find(','); comma != std::string::npos; comma = rest.find(',')) {
    made.inputs.push_back(rest.substr(0, comma));
    rest = rest.substr(comma + 1);
  }
  const bool good =
      distinct_letters(made.output) && std::ranges::all_of(made.inputs, distinct_letters);
  return good ? std::optional(made) : std::nullopt;
}

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

/// Where each letter of `wanted` stands in `given`.
Integers permutation(const std::string& given, const std::string& wanted) {
  Integers perm;
  for (const char letter : wanted) {
    perm.push_back(static_cast<std::int64_t>(given.find(letter)));
  }
  return perm;
}

class Einsum {
 public:
  Einsum(Translator& to, const RawNode& node) : to_(to), node_(node) {
    const auto parsed = parse(node.text("equation", ""));
    if (!parsed || parsed->inputs.size() != node.inputs.size() || node.inputs.size() > 2) {
      reject();
    }
    equation_ = *parsed;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const TensorId x = i == 0 ? to.value(node, i) : to.weight(node, i);
      const Shape& shape = to.shape(x);
      const std::string& letters = equation_.inputs[i];
      if (shape.size() != letters.size()) {
        reject();
      }
      for (std::size_t d = 0; d < letters.size(); ++d) {
        const auto extent = static_cast<std::int64_t>(shape[d]);
        if (!extents_.emplace(letters[d], extent).second && extents_[letters[d]] != extent) {
          reject();
        }
      }
      values_.push_back(x);
    }
  }

  void run() {
    if (values_.size() == 1) {
      if (equation_.inputs[0].size() != equation_.output.size() || !covers(equation_.inputs[0])) {
        reject();
      }
      to_.add(node_, OpType::kTranspose, {values_[0]},
              {{"perm", permutation(equation_.inputs[0], equation_.output)}}, node_.outputs.at(0));
      return;
    }
    product();
  }

 private:
  [[noreturn]] void reject() const {
    to_.reject(node_, "has the equation '" + node_.text("equation", "") + "'",
               "transposes of one tensor and products of two, whose summed letters both have, are "
               "supported");
  }

  bool covers(const std::string& letters) const {
    return std::ranges::all_of(equation_.output, [&](char c) { return has(letters, c); });
  }

  Integers extents(const std::string& letters) const {
    Integers found;
    for (const char letter : letters) {
      found.push_back(extents_.at(letter));
    }
    return found;
  }
  std::int64_t size(const std::string& letters) const {
    std::int64_t all = 1;
    for (const std::int64_t extent : extents(letters)) {
      all *= extent;
    }
    return all;
  }

  /// The tensor as a stack of matrices [stacks, rows, cols], each of the letters in that order.
  TensorId matrices(std::size_t i, const std::string& rows, const std::string& cols) {
    const std::string suffix = ".input" + std::to_string(i);
    const std::string wanted = stacks_ + rows + cols;
    const TensorId turned =
        wanted == equation_.inputs[i]
            ? values_[i]
            : to_.add_between(node_, OpType::kTranspose, {values_[i]},
                              {{"perm", permutation(equation_.inputs[i], wanted)}},
                              suffix + ".turned");
    Integers shape{size(rows), size(cols)};
    if (!stacks_.empty()) {
      shape.insert(shape.begin(), size(stacks_));
    }
    return to_.add_between(node_, OpType::kReshape, {turned}, {{"shape", shape}}, suffix);
  }

  /// Letters of both and the result make stacks, of both alone the reduction.
  void product() {
    const std::string &a = equation_.inputs[0], &b = equation_.inputs[1];
    std::string rows, reduction, cols;
    for (const char letter : a) {
      (!has(b, letter) ? rows : has(equation_.output, letter) ? stacks_ : reduction) += letter;
    }
    for (const char letter : b) {
      if (!has(a, letter)) {
        cols += letter;
      }
    }
    const std::string made = stacks_ + rows + cols;
    if (made.size() != equation_.output.size() || !covers(made)) {
      reject();  // a letter of one input is summed, or the result has another one
    }
    const TensorId left = matrices(0, rows, reduction);
    const TensorId right = matrices(1, reduction, cols);
    const TensorId y =
        to_.add_between(node_, OpType::kGemm, {left, right},
                        {{"transA", std::int64_t{0}}, {"transB", std::int64_t{0}}}, ".product");
    if (made == equation_.output) {
      to_.add(node_, OpType::kReshape, {y}, {{"shape", extents(made)}}, node_.outputs.at(0));
      return;
    }
    const TensorId shaped =
        to_.add_between(node_, OpType::kReshape, {y}, {{"shape", extents(made)}}, ".shaped");
    to_.add(node_, OpType::kTranspose, {shaped}, {{"perm", permutation(made, equation_.output)}},
            node_.outputs.at(0));
  }

  Translator& to_;
  const RawNode& node_;
  Equation equation_;
  std::string stacks_;
  std::map<char, std::int64_t> extents_;
  std::vector<TensorId> values_;
};

void einsum(Translator& to, const RawNode& node) { Einsum(to, node).run(); }

}  // namespace

Handler einsum_handler_of(const std::string& op) { return op == "Einsum" ? einsum : nullptr; }

}  // namespace etude::onnxio
