// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/layer_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

namespace etude {

namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts{""};
  for (char c : path) {
    if (c == '/' || c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  std::erase(parts, "");
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ".") + part;
  }
  return text;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::ranges::count(words, word) > 0;
}

/// `name` without `separator` and a number at its end, where it has them.
std::string_view without_number(std::string_view name, std::string_view separator) {
  const std::size_t at = name.rfind(separator);
  const bool has = at != std::string_view::npos && is_number(name.substr(at + separator.size()));
  return has ? name.substr(0, at) : name;
}

std::string_view without_end(std::string_view name, std::string_view end) {
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : name;
}

/// What the last part of a parameter's path says of its role in the layer.
bool is_role(std::string_view part) {
  static constexpr std::array<std::string_view, 8> kRoles{"weight", "weights", "kernel", "bias",
                                                          "w",      "b",       "W",      "B"};
  return is_one_of(kRoles, part);
}

/// The part without "_weight" and the like.
std::string_view without_role(std::string_view part) {
  const std::size_t at = part.rfind('_');
  const bool role = at != std::string_view::npos && at > 0 &&
                    (is_role(part.substr(at + 1)) || part.substr(at + 1) == "transposed");
  return role ? part.substr(0, at) : part;
}

/// Operators and the runtime's words at the end of TensorFlow's paths.
bool is_tensorflow_word(const std::string& part) {
  static constexpr std::array<std::string_view, 15> kWords{"ReadVariableOp",
                                                           "MatMul",
                                                           "Conv1D",
                                                           "Conv2D",
                                                           "BiasAdd",
                                                           "Tensordot",
                                                           "Cast",
                                                           "Reshape",
                                                           "resource",
                                                           "ExpandDims",
                                                           "Transpose",
                                                           "depthwise",
                                                           "Conv2DBackpropInput",
                                                           "DepthwiseConv2dNative",
                                                           "conv2d_transpose"};
  std::string_view word = without_end(without_end(part, "_weights_fused_bn"), "_bias_fused_bn");
  word = without_number(without_number(word, "__"), "_");
  return is_one_of(kWords, word);
}

std::vector<std::string> without_tail(std::vector<std::string> parts,
                                      bool (*drop)(const std::string&)) {
  while (parts.size() > 1 && drop(parts.back())) {
    parts.pop_back();
  }
  return parts;
}

bool is_partitioned_call(const std::string& part) {
  return part.starts_with("PartitionedCall") || part.starts_with("StatefulPartitionedCall");
}

/// A stretch of a layer's name between dots and underscores.
struct Part {
  std::string_view text;
  std::size_t end = 0;  ///< position behind it
  bool dot = false;     ///< whether a dot stands there
};

std::vector<Part> split(const std::string& layer) {
  std::vector<Part> parts;
  const std::string_view all = layer;
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find_first_of("._", at), all.size());
    parts.push_back({all.substr(at, end - at), end, end < all.size() && all[end] == '.'});
    at = end + 1;
  }
  return parts;
}

/// The part behind the number of a block whose name begins at part `i`; 0 if none does:
/// "layers.3", "block_2", "block1", "layer1.0" (but not "block1_2", a layer of block1).
std::size_t counted(const std::vector<Part>& parts, std::size_t i) {
  static constexpr std::array<std::string_view, 10> kWords{
      "block", "blocks", "layer", "layers", "stage", "stages", "unit", "units", "cell", "cells"};
  static constexpr std::array<std::string_view, 3> kLists{"h", "features", "resblocks"};
  const std::string_view text = parts[i].text;
  if (i > 0 && parts[i - 1].text == "conv" && !parts[i - 1].dot) {
    return 0;  // "conv_layers" of a tokenizer or a stem
  }
  const bool numbered = i + 1 < parts.size() && is_number(parts[i + 1].text);
  const std::string_view word = text.substr(0, text.find_last_not_of("0123456789") + 1);
  if (is_one_of(kWords, word) && word != text) {
    return numbered && parts[i].dot ? i + 2 : i + 1;
  }
  if (numbered && (is_one_of(kWords, text) || is_one_of(kLists, text))) {
    return i + 2;
  }
  // Blocks of a list that is the whole network.
  return i == 0 && is_number(text) && (parts[0].dot || parts.size() == 1) ? 1 : 0;
}

bool fits(std::string_view pattern, std::string_view name) {
  std::size_t star = std::string_view::npos;
  std::size_t from = 0;
  std::size_t p = 0;
  std::size_t n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

bool exporter_made(const std::string& name) {
  // Operators of PyTorch's FX graph, after which it calls what they give.
  static constexpr std::array<std::string_view, 34> kMade{
      "val",     "param",   "initializer", "constant", "Constant", "lifted_tensor",
      "tensor",  "t",       "permute",     "view",     "reshape",  "tensor_constant",
      "expand",  "squeeze", "unsqueeze",   "select",   "slice",    "transpose",
      "clone",   "detach",  "to_copy",     "to",       "mul",      "div",
      "add",     "sub",     "cat",         "linear",   "matmul",   "mm",
      "getitem", "arg",     "flatten",     "chunk"};
  // Paths are of nodes.
  for (const char* start :
       {"onnx::", "onnx__", "/", "const_fold_opt__", "new_shape__", "Const__"}) {
    if (name.starts_with(start)) {
      return true;
    }
  }
  std::string_view stem = without_number(name, "_");
  if (is_number(name) || (stem != name && stem.ends_with("_output"))) {
    return true;
  }
  stem.remove_prefix(std::min(stem.find_first_not_of('_'), stem.size()));
  const bool argument = stem.starts_with("arg") && is_number(stem.substr(3));
  return argument || is_one_of(kMade, stem);
}

std::optional<std::string> layer_of_parameter(const std::string& name) {
  if (exporter_made(name)) {
    return std::nullopt;
  }
  std::vector<std::string> parts = parts_of(std::string(without_number(name, ":")));
  while (parts.size() > 1 && is_partitioned_call(parts.front())) {
    parts.erase(parts.begin());
  }
  if (name.find('/') != std::string::npos) {
    parts = without_tail(std::move(parts), is_tensorflow_word);
  }
  if (parts.empty()) {
    return name;
  }
  if (parts.size() > 1 && is_role(parts.back())) {
    parts.pop_back();
  } else {
    parts.back() = std::string(without_role(parts.back()));
  }
  return joined(parts);
}

namespace {

/// "blocks_0_q" of "node_12_blocks_0_q_MatMul": a path whose separators a tool made underscores.
std::optional<std::string> layer_of_flat_node(const std::string& name) {
  constexpr std::string_view kStart = "node_";
  const std::size_t number = name.find('_', kStart.size());
  const std::size_t last = name.rfind('_');
  if (!name.starts_with(kStart) || number == std::string::npos || last <= number ||
      !is_number(std::string_view(name).substr(kStart.size(), number - kStart.size()))) {
    return std::nullopt;
  }
  return name.substr(number + 1, last - number - 1);
}

}  // namespace

std::optional<std::string> layer_of_node(const std::string& name) {
  if (name.find('/') == std::string::npos) {
    return layer_of_flat_node(name);
  }
  std::vector<std::string> scopes;
  std::size_t at = 0;
  while (at < name.size()) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string scope = name.substr(at, end - at);
    // A module inside of a list repeats the list's name.
    if (!scopes.empty() && scope.starts_with(scopes.back() + ".")) {
      scopes.pop_back();
    }
    if (!scope.empty() && !is_partitioned_call(scope)) {
      scopes.push_back(scope);
    }
    at = end + 1;
  }
  if (scopes.size() < 2) {
    return std::nullopt;
  }
  scopes.pop_back();  // the operator
  return joined(without_tail(std::move(scopes), is_tensorflow_word));
}

std::string block_of_layer(const std::string& layer) {
  const std::vector<Part> parts = split(layer);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::size_t end = counted(parts, i);
    if (end == 0) {
      continue;
    }
    // A stage that holds blocks is none itself.
    if (parts[i].text.starts_with("stage") && end < parts.size() &&
        !parts[end].text.starts_with("stage")) {
      end = std::max(end, counted(parts, end));
    }
    return layer.substr(0, parts[end - 1].end);
  }
  return "";
}

bool fits_pattern(const std::string& pattern, const std::string& name) {
  return fits(pattern, name);
}

bool names_layer(const std::string& written, const std::string& layer) {
  return fits(written, layer) || fits("*." + written, layer);
}

}  // namespace etude
