// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace etude::run {

/// One JSON object of a user's file: every key is known, every value of its type. Errors: UserError
/// that names `where`, the key, and what is allowed (the nearest known key). `object` must outlive
/// it.
class JsonFields {
 public:
  /// `wanted`: what the object should be, for one that is none.
  JsonFields(const nlohmann::ordered_json& object, std::string where,
             std::vector<std::string> known,
             const std::string& wanted = "give one with a list \"slots\"");

  bool has(const char* key) const { return object_.contains(key); }
  const std::string& where() const { return where_; }
  /// The value of a key that must be there.
  const nlohmann::ordered_json& at(const char* key) const;
  /// A number of at most 1e15: sums and products of what files hold stay finite.
  double number(const char* key, double least) const;
  double number_or(const char* key, double fallback) const {
    return has(key) ? number(key, 0) : fallback;
  }
  /// A whole number of at most 2^40.
  std::uint64_t count(const char* key, std::uint64_t least) const;
  /// A text that is not empty.
  std::string text(const char* key) const;
  bool flag(const char* key) const;
  /// Slot numbers below `end`, ascending, each once.
  std::vector<std::uint32_t> slots(const char* key, std::size_t end) const;

 private:
  std::uint64_t count_of(const nlohmann::ordered_json& value, const char* key,
                         std::uint64_t least) const;

  const nlohmann::ordered_json& object_;
  std::string where_;
};

}  // namespace etude::run
