// SPDX-License-Identifier: Apache-2.0
#include "run/plan/json_fields.h"

#include <algorithm>
#include <cstdint>

#include "models/base/error.h"
#include "models/base/nearest_name.h"

namespace etude::run {
using Json = nlohmann::ordered_json;

namespace {
constexpr double kMost = 1e15;
constexpr std::uint64_t kMostCount = std::uint64_t{1} << 40;
}  // namespace

JsonFields::JsonFields(const Json& object, std::string where, std::vector<std::string> known,
                       const std::string& wanted)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    throw UserError(where_, "is no object", wanted);
  }
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      throw UserError(where_, "has an unknown key \"" + key + "\"",
                      "the nearest is \"" + nearest_name(key, known) + "\"");
    }
  }
}

const Json& JsonFields::at(const char* key) const {
  if (!has(key)) {
    throw UserError(where_, "has no \"" + std::string(key) + "\"", "every one of its kind has");
  }
  return object_.at(key);
}

double JsonFields::number(const char* key, double least) const {
  const Json& value = at(key);
  if (!value.is_number() || !(value.get<double>() >= least) || value.get<double>() > kMost) {
    throw UserError(where_, "\"" + std::string(key) + "\" is " + value.dump(),
                    "give a number of " + Json(least).dump() + " to 1e15");
  }
  return value.get<double>();
}

std::uint64_t JsonFields::count(const char* key, std::uint64_t least) const {
  return count_of(at(key), key, least);
}

std::string JsonFields::text(const char* key) const {
  if (!at(key).is_string() || at(key).get<std::string>().empty()) {
    throw UserError(where_, "\"" + std::string(key) + "\" is " + at(key).dump(), "give a text");
  }
  return at(key).get<std::string>();
}

bool JsonFields::flag(const char* key) const {
  if (!at(key).is_boolean()) {
    throw UserError(where_, "\"" + std::string(key) + "\" is " + at(key).dump(),
                    "give true or false");
  }
  return at(key).get<bool>();
}

std::vector<std::uint32_t> JsonFields::slots(const char* key, std::size_t end) const {
  std::vector<std::uint32_t> list;
  if (!at(key).is_array()) {
    throw UserError(where_, "\"" + std::string(key) + "\" is no list", "give slot numbers");
  }
  for (const Json& value : at(key)) {
    const std::uint64_t slot = count_of(value, key, 0);
    if (slot >= end) {
      throw UserError(
          where_, "\"" + std::string(key) + "\" names slot " + value.dump(),
          end == 0 ? "none is before it" : "the last one is " + std::to_string(end - 1));
    }
    list.push_back(static_cast<std::uint32_t>(slot));
  }
  std::ranges::sort(list);
  if (std::ranges::adjacent_find(list) != list.end()) {
    throw UserError(where_, "\"" + std::string(key) + "\" names a slot twice",
                    "name each slot once");
  }
  return list;
}

std::uint64_t JsonFields::count_of(const Json& value, const char* key, std::uint64_t least) const {
  if (!value.is_number_integer() || value < least || value > kMostCount) {
    throw UserError(
        where_, "\"" + std::string(key) + "\" holds " + value.dump(),
        "give whole numbers of " + std::to_string(least) + " to " + std::to_string(kMostCount));
  }
  return value.get<std::uint64_t>();
}

}  // namespace etude::run
