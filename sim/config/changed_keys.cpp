// SPDX-License-Identifier: Apache-2.0
#include "sim/config/changed_keys.h"

#include <string>

#include "sim/config/load.h"

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

void compare(const Json& value, const Json& usual, const std::string& key, Json& changed) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      const bool known = usual.is_object() && usual.contains(name);
      compare(member, known ? usual.at(name) : Json(), key + "/" + name, changed);
    }
  } else if (value != usual) {
    changed.push_back({{"key", key}, {"value", value}, {"default", usual}});
  }
}
}  // namespace

Json changed_keys(const RootConfig& config) {
  Json value = Json::parse(resolved_json(config));
  Json& energy = value.at("energy");
  energy = {{"name", energy.at("name")}};  // every coefficient comes from a table
  Json changed = Json::array();
  compare(value, Json::parse(resolved_json(RootConfig{})), "", changed);
  return changed;
}

}  // namespace etude
