// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/input_extents.h"

#include <algorithm>
#include <set>

#include "models/base/error.h"
#include "models/base/nearest_name.h"
#include "workloads/networks/initial.h"

namespace etude::onnxio {

namespace {

constexpr const char* kKey = "/workload/dimensions/";
constexpr std::uint64_t kMostSamples = 65535;

std::string place(const RawModel& model, const RawValue& input) {
  return model.where + ": input '" + input.name + "'";
}

/// Puts the numbers of /workload/dimensions in.
void bind_names(RawModel& model, const std::map<std::string, std::uint64_t>& dimensions) {
  std::vector<std::string> known;
  std::set<std::string> used;
  for (RawValue& input : model.inputs) {
    for (std::size_t i = 0; i < input.shape.size(); ++i) {
      const std::string& symbol = input.symbols[i];
      if (input.shape[i] || symbol.empty()) {
        continue;
      }
      if (std::ranges::count(known, symbol) == 0) {
        known.push_back(symbol);
      }
      if (const auto found = dimensions.find(symbol); found != dimensions.end()) {
        input.shape[i] = found->second;
        used.insert(symbol);
      }
    }
  }
  for (const auto& [name, size] : dimensions) {
    if (!used.contains(name)) {
      const std::string nearest = nearest_name(name, known);
      throw UserError(
          kKey + name, "no input of " + model.where + " has an extent of that name",
          nearest.empty() ? "its extents all have numbers" : "did you mean \"" + nearest + "\"?");
    }
  }
}

/// Refuses a symbolic extent behind the first.
void check_inner(const RawModel& model) {
  for (const RawValue& input : model.inputs) {
    for (std::size_t i = 1; i < input.shape.size(); ++i) {
      if (input.shape[i]) {
        continue;
      }
      const std::string& symbol = input.symbols[i];
      throw UserError(
          place(model, input),
          "extent " + std::to_string(i) +
              (symbol.empty() ? " has no number and no name" : " is symbolic, '" + symbol + "'"),
          symbol.empty() ? "export the model with a fixed one"
                         : "give its number as " + (kKey + symbol));
    }
  }
}

/// The first extents of the arrays of the inputs that count samples; nothing without arrays.
std::optional<std::uint64_t> samples_of_arrays(const RawModel& model, const NpzArchive& arrays) {
  std::optional<std::uint64_t> samples;
  std::string first;
  for (std::size_t n = 0; n < model.inputs.size(); ++n) {
    const RawValue& input = model.inputs[n];
    const auto member = find_input(arrays, input.name, static_cast<unsigned>(n));
    if (input.shape.empty() || input.shape[0] || member == arrays.end() ||
        member->second.shape.empty()) {
      continue;  // what is missing is refused where the arrays are taken
    }
    const std::uint64_t count = member->second.shape[0];
    if (samples && *samples != count) {
      throw UserError("/workload/inputs: member '" + member->first + "'",
                      "has " + std::to_string(count) + " samples, and '" + first + "' has " +
                          std::to_string(*samples),
                      "give every input as many, or the number of a step as /workload/batch");
    }
    samples = count;
    first = member->first;
  }
  if (samples && (*samples == 0 || *samples > kMostSamples)) {
    throw UserError("/workload/inputs: member '" + first + "'",
                    "has " + std::to_string(*samples) + " samples, and one step takes them all",
                    "give the number of a step as /workload/batch");
  }
  return samples;
}

/// The input whose first extent is symbolic, if there is one. Errors: UserError for two symbols.
const RawValue* input_of_samples(const RawModel& model) {
  const RawValue* found = nullptr;
  for (const RawValue& input : model.inputs) {
    if (input.shape.empty() || input.shape[0]) {
      continue;
    }
    const std::string& symbol = input.symbols[0];
    if (found != nullptr && found->symbols[0] != symbol) {
      const std::string& named = symbol.empty() ? found->symbols[0] : symbol;
      throw UserError(place(model, input),
                      "counts '" + symbol + "', and input '" + found->name + "' '" +
                          found->symbols[0] + "': one of them is not the samples",
                      "give the number of that one, as " + (kKey + named));
    }
    found = found == nullptr ? &input : found;
  }
  return found;
}

}  // namespace

std::optional<std::uint64_t> take_extents(RawModel& model, const OnnxExtents& extents) {
  bind_names(model, extents.dimensions);
  check_inner(model);
  if (input_of_samples(model) != nullptr) {
    const auto given = extents.batch || extents.arrays == nullptr
                           ? extents.batch
                           : samples_of_arrays(model, *extents.arrays);
    const std::uint64_t samples = given.value_or(1);
    for (RawValue& input : model.inputs) {
      if (!input.shape.empty() && !input.shape[0]) {
        input.shape[0] = samples;
      }
    }
    return samples;
  }
  std::optional<std::uint64_t> shared;
  for (const RawValue& input : model.inputs) {
    if (input.shape.empty()) {
      continue;
    }
    if (shared && *shared != *input.shape[0]) {
      return std::nullopt;
    }
    shared = input.shape[0];
  }
  return shared.value_or(1);
}

}  // namespace etude::onnxio
