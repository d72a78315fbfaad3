// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/initial.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "models/base/error.h"
#include "workloads/networks/index_bounds.h"

namespace etude {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Generator {
 public:
  Generator(std::uint64_t seed, const std::string& stream) : state_(seed) {
    for (unsigned char c : stream) {  // FNV-1a
      state_ = (state_ ^ c) * 0x100000001b3ull;
    }
  }
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  /// Uniform in [-1, 1), a multiple of 2^-23.
  float signed_unit() {
    return static_cast<float>(static_cast<std::int64_t>(next() >> 40) - (1 << 23)) / (1 << 23);
  }

 private:
  std::uint64_t state_;
};

std::vector<float> checked(std::vector<float> values, const std::string& where) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw UserError(where, "element " + std::to_string(i) + " is NaN or infinite",
                      "all values must be finite");
    }
  }
  return values;
}

}  // namespace

void draw_parameters(const Graph& graph, std::uint64_t seed, StartValues& values) {
  values.resize(graph.tensors().size());
  for (TensorId id = 0; id < values.size(); ++id) {
    if (graph.tensor(id).kind == TensorKind::kParameter) {
      values[id].clear();
    }
  }
  complete_parameters(graph, seed, values);
}

void complete_parameters(const Graph& graph, std::uint64_t seed, StartValues& values) {
  values.resize(graph.tensors().size());
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    const bool stored = tensor.kind == TensorKind::kParameter || tensor.kind == TensorKind::kState;
    if (!stored || tensor.alias_of || !values[id].empty()) {
      continue;
    }
    values[id].assign(tensor.elements(), tensor.fill.value_or(0.0f));
    if (tensor.shape.size() < 2 || tensor.kind == TensorKind::kState || tensor.fill) {
      continue;
    }
    Generator generator(seed, tensor.name);
    // Matrices are [in,out], filters [out,in,height,width].
    const std::uint64_t fan_in =
        tensor.shape.size() == 2 ? tensor.shape[0] : tensor.elements() / tensor.shape[0];
    const auto bound = static_cast<float>(std::sqrt(6.0 / static_cast<double>(fan_in)));
    for (float& value : values[id]) {
      value = bound * generator.signed_unit();
    }
  }
}

/// How many integers from 0 on each element of an input chooses from: classes of a loss, rows of a
/// table; 0: it is no integer, or means nothing.
static std::vector<std::uint64_t> choices_of(const Graph& graph, TensorId id) {
  const Tensor& tensor = graph.tensor(id);
  std::vector<std::uint64_t> choices = tensor.dtype == DType::kInt32
                                           ? index_bounds(graph, id)
                                           : std::vector<std::uint64_t>(tensor.elements(), 0);
  for (NodeId reader : graph.consumers(id)) {
    const Node& node = graph.node(reader);
    if (node.op == OpType::kSoftmaxCrossEntropy && node.inputs.at(1) == id) {
      const std::uint64_t classes = graph.tensor(node.inputs[0]).shape.at(1);
      for (std::uint64_t& each : choices) {
        each = each == 0 ? classes : std::min(each, classes);
      }
    }
  }
  return choices;
}

/// Whether the input is the target of a binary cross entropy: 0 to 1.
static bool is_chance(const Graph& graph, TensorId id) {
  for (NodeId reader : graph.consumers(id)) {
    const Node& node = graph.node(reader);
    if (node.op == OpType::kBceLoss && node.inputs.at(1) == id) {
      return true;
    }
  }
  return false;
}

void draw_inputs(const Graph& graph, std::uint64_t seed, unsigned step, StartValues& values) {
  values.resize(graph.tensors().size());
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind != TensorKind::kInput) {
      continue;
    }
    Generator generator(seed, tensor.name + "#" + std::to_string(step));
    values[id].resize(tensor.elements());
    const std::vector<std::uint64_t> choices = choices_of(graph, id);
    const bool chances = is_chance(graph, id);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      values[id][i] = choices[i] > 0 ? static_cast<float>(generator.next() % choices[i])
                      : chances      ? (generator.signed_unit() + 1) / 2
                                     : generator.signed_unit();
    }
  }
}

static bool is_parameter(const Tensor& tensor) {
  return tensor.kind == TensorKind::kParameter && !tensor.alias_of && !tensor.constant;
}

/// Whether a method added the parameter: weights of elsewhere do not have it.
static bool is_adapter(const Tensor& tensor) {
  return tensor.name.ends_with(".lora_a") || tensor.name.ends_with(".lora_b");
}

void take_parameters(const Graph& graph, const NpzArchive& archive, const std::string& where,
                     StartValues& values) {
  values.resize(graph.tensors().size());
  for (const auto& [name, array] : archive) {
    const auto id = graph.find(name);
    if (!id || !is_parameter(graph.tensor(*id))) {
      throw UserError(where + ": member '" + name + "'",
                      "is no parameter of network '" + graph.name + "'",
                      "name members as `describe` names parameters");
    }
  }
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (!is_parameter(tensor)) {
      continue;
    }
    const auto member = archive.find(tensor.name);
    if (member == archive.end()) {
      if (is_adapter(tensor)) {
        continue;
      }
      throw UserError(where, "has no member '" + tensor.name + "'",
                      "give all parameters of network '" + graph.name + "'");
    }
    const std::string place = where + ": member '" + tensor.name + "'";
    if (member->second.shape != tensor.shape) {
      throw UserError(place, "has shape " + to_string(member->second.shape),
                      "allowed is " + to_string(tensor.shape));
    }
    values[id] = checked(member->second.exact_float32(place), place);
  }
}

NpzArchive::const_iterator find_input(const NpzArchive& archive, const std::string& name,
                                      unsigned number) {
  const auto member = archive.find(name);
  return member != archive.end() || number > 1 ? member : archive.find(number == 0 ? "x" : "y");
}

std::string unread_members(const Graph& graph, const NpzArchive& archive) {
  std::set<std::string> read;
  unsigned number = 0;
  for (const Tensor& tensor : graph.tensors()) {
    const auto member = tensor.kind == TensorKind::kInput
                            ? find_input(archive, tensor.name, number++)
                            : archive.end();
    if (member != archive.end()) {
      read.insert(member->first);
    }
  }
  std::string list;
  for (const auto& [name, array] : archive) {
    if (!read.contains(name)) {
      list += (list.empty() ? "'" : ", '") + name + "'";
    }
  }
  return list;
}

static bool is_integer(NpyType type) {
  return type != NpyType::kFloat16 && type != NpyType::kFloat32 && type != NpyType::kFloat64 &&
         type != NpyType::kBool;
}

std::string converted_members(const Graph& graph, const NpzArchive& archive) {
  std::string list;
  unsigned number = 0;
  for (const Tensor& tensor : graph.tensors()) {
    const bool input = tensor.kind == TensorKind::kInput;
    if (!input && !is_parameter(tensor)) {
      continue;
    }
    const auto member =
        input ? find_input(archive, tensor.name, number++) : archive.find(tensor.name);
    const bool expected =
        member == archive.end() ||
        (tensor.dtype == DType::kInt32 ? is_integer(member->second.type)
                                       : member->second.type == NpyType::kFloat32);
    if (!expected) {
      list +=
          (list.empty() ? "'" : ", '") + member->first + "' (" + name_of(member->second.type) + ")";
    }
  }
  return list;
}

/// Targets of a binary cross entropy are from 0 to 1.
static void check_chances(const std::vector<float>& values, const std::string& place) {
  const auto outside = std::ranges::find_if(values, [](float v) { return !(v >= 0 && v <= 1); });
  if (outside != values.end()) {
    throw UserError(
        place,
        "element " + std::to_string(outside - values.begin()) + " is " + std::to_string(*outside),
        "targets of /train/loss bce are from 0 to 1");
  }
}

/// Labels are integers from 0 to the number of classes that their loss knows, indices to that of
/// their table's rows. `values` may hold several batches of the input.
static void check_integers(const Graph& graph, TensorId id, const std::vector<float>& values,
                           const std::string& place) {
  const Tensor& tensor = graph.tensor(id);
  const std::vector<std::uint64_t> choices = choices_of(graph, id);
  const bool labels =
      std::ranges::all_of(index_bounds(graph, id), [](auto rows) { return rows == 0; });
  const std::uint64_t per_sample = tensor.elements() / tensor.shape.at(0);
  // Which sample of a batch one becomes depends on the step: all of them must take it.
  std::vector<std::uint64_t> bounds(per_sample, 0);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    std::uint64_t& bound = bounds[i % per_sample];
    bound = bound == 0 || (choices[i] > 0 && choices[i] < bound) ? choices[i] : bound;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t bound = bounds[i % per_sample];
    const float most = bound > 0 ? static_cast<float>(bound) : 0x1p24f;
    if (values[i] >= (bound > 0 ? 0 : -most) && values[i] < most &&
        values[i] == std::floor(values[i])) {
      continue;
    }
    std::ostringstream value;
    value << values[i];
    throw UserError(
        place,
        (labels ? "the label of sample " : "an index of sample ") + std::to_string(i / per_sample) +
            " is " + value.str(),
        std::string(labels ? "labels" : "indices") + " are integers" +
            (bound > 0 ? " from 0 to " + std::to_string(bound - 1) : std::string(" below 2^24")));
  }
}

/// Refuses samples of another shape than the input's. The first extent counts samples.
static void check_samples(const Shape& wanted, const NpyArray& array, const std::string& place) {
  Shape allowed = wanted;
  allowed.at(0) = array.shape.empty() ? 0 : array.shape[0];
  if (allowed[0] == 0 || array.shape != allowed) {
    std::string extents = "samples";
    for (std::size_t i = 1; i < wanted.size(); ++i) {
      extents += ", " + std::to_string(wanted[i]);
    }
    throw UserError(place, "has shape " + to_string(array.shape), "allowed is [" + extents + "]");
  }
}

void take_inputs(const Graph& graph, const NpzArchive& archive, const std::string& where,
                 unsigned step, StartValues& values) {
  values.resize(graph.tensors().size());
  unsigned number = 0;
  std::string first;              // input, by its member
  std::uint64_t first_count = 0;  // its samples, and those of a batch
  std::uint64_t first_batch = 1;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind != TensorKind::kInput) {
      continue;
    }
    const auto member = find_input(archive, tensor.name, number);
    const std::string other = number == 0 ? "x" : number == 1 ? "y" : tensor.name;
    ++number;
    if (member == archive.end()) {
      throw UserError(where, "has no member '" + tensor.name + "' (or '" + other + "')",
                      "give one array per input of network '" + graph.name + "'");
    }
    const std::string place = where + ": member '" + member->first + "'";
    const NpyArray& array = member->second;
    if (tensor.shape.empty()) {
      if (!array.shape.empty()) {
        throw UserError(place, "has shape " + to_string(array.shape), "allowed is a scalar");
      }
      values[id] = checked(array.exact_float32(place), place);
      continue;
    }
    const std::uint64_t batch = tensor.shape[0];
    const std::uint64_t per_sample = tensor.elements() / batch;
    check_samples(graph.tensor(id).shape, array, place);
    const auto all = checked(array.exact_float32(place), place);
    if (is_chance(graph, id)) {
      check_chances(all, place);
    }
    if (tensor.dtype == DType::kInt32) {
      check_integers(graph, id, all, place);
    }
    if (first.empty()) {
      first = member->first;
      first_count = array.shape[0];
      first_batch = batch;
    } else if (array.shape[0] * first_batch != first_count * batch) {
      throw UserError(place,
                      "has " + std::to_string(array.shape[0]) + " samples, and '" + first +
                          "' has " + std::to_string(first_count),
                      "give every input as many samples");
    }
    values[id].resize(tensor.elements());
    for (std::uint64_t s = 0; s < batch; ++s) {
      const std::uint64_t sample = (std::uint64_t{step} * batch + s) % array.shape[0];
      for (std::uint64_t i = 0; i < per_sample; ++i) {
        values[id][s * per_sample + i] = all[sample * per_sample + i];
      }
    }
  }
}

}  // namespace etude
