// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/range.h"
#include "models/base/types.h"
#include "sim/config/root_config.h"

namespace etude {

using Json = nlohmann::ordered_json;

/// What a JSON value of a parameter may be.
enum class ParameterKind { kBoolean, kInteger, kNumber, kString, kFile, kChoice, kStrings, kSizes };

/// A parameter that counts only when another one, the selector, has one of `values`.
struct Selector {
  std::string path;
  std::vector<std::string> values;
};

/// Everything about a parameter that its C++ member does not say itself.
struct ParameterText {
  std::string unit{};      ///< "" for a plain number
  std::string sentence{};  ///< what it is
  std::string source{};    ///< where the default comes from
  Range range{};           ///< of numbers; that of a model stands beside its config struct
  bool required = false;   ///< the section is refused without it
  std::optional<Selector> only_if{};
  bool silent = false;         ///< the resolved file leaves it out at its default: hashes stay
  bool inherited = false;      ///< of a section "*": not given, it is the key two levels above
  bool names_section = false;  ///< a string where its section belongs is this key's value
};

/// One key of the configuration: its only declaration. Checks, schema, documentation and the
/// resolved file are made from it.
struct Parameter {
  std::string path;  ///< JSON pointer; an element "*" stands for any key
  ParameterKind kind{};
  std::vector<std::string> choices;  ///< kChoice only
  ParameterText text;
  /// The value in `config`; `key` is what stands for "*".
  std::function<Json(const RootConfig& config, const std::string& key)> get;
  /// Stores a value that was checked against kind and range.
  std::function<void(RootConfig& config, const std::string& key, const Json& value)> set;
  /// The keys that "*" stands for in `config`; empty function: the path has no "*".
  std::function<std::vector<std::string>(const RootConfig& config)> keys;
};

/// Names of an enumeration's values as they stand in JSON.
template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

/// All parameters, in the order in which they are documented.
using ParameterTable = std::vector<Parameter>;

/// The whole declaration table (sections in config, documentation and resolved-file order).
ParameterTable declare_parameters();

namespace detail {
template <class T>
struct JsonOf;
template <>
struct JsonOf<bool> {
  static constexpr ParameterKind kind = ParameterKind::kBoolean;
  static Json to(bool v) { return v; }
  static void from(const Json& j, bool& v) { v = j.get<bool>(); }
};
template <std::unsigned_integral T>
struct JsonOf<T> {
  static constexpr ParameterKind kind = ParameterKind::kInteger;
  static Json to(T v) { return v; }
  static void from(const Json& j, T& v) { v = static_cast<T>(j.get<std::uint64_t>()); }
};
template <class Tag>
struct JsonOf<Quantity<Tag, std::uint64_t>> {
  static constexpr ParameterKind kind = ParameterKind::kInteger;
  static Json to(Quantity<Tag, std::uint64_t> v) { return v.raw(); }
  static void from(const Json& j, Quantity<Tag, std::uint64_t>& v) {
    v = Quantity<Tag, std::uint64_t>{j.get<std::uint64_t>()};
  }
};
template <>
struct JsonOf<double> {
  static constexpr ParameterKind kind = ParameterKind::kNumber;
  static Json to(double v) { return v; }
  static void from(const Json& j, double& v) { v = j.get<double>(); }
};
template <>
struct JsonOf<std::string> {
  static constexpr ParameterKind kind = ParameterKind::kString;
  static Json to(const std::string& v) { return v; }
  static void from(const Json& j, std::string& v) { v = j.get<std::string>(); }
};
template <>
struct JsonOf<std::vector<std::string>> {
  static constexpr ParameterKind kind = ParameterKind::kStrings;
  static Json to(const std::vector<std::string>& v) { return v; }
  static void from(const Json& j, std::vector<std::string>& v) {
    v = j.get<std::vector<std::string>>();
  }
};
template <>
struct JsonOf<std::vector<unsigned>> {
  static constexpr ParameterKind kind = ParameterKind::kSizes;
  static Json to(const std::vector<unsigned>& v) { return v; }
  static void from(const Json& j, std::vector<unsigned>& v) { v = j.get<std::vector<unsigned>>(); }
};
}  // namespace detail

/// Declares the parameters of one C++ struct below one JSON pointer.
template <class Struct>
class Section {
 public:
  using Find = std::function<Struct&(RootConfig&, const std::string& key)>;
  using Keys = std::function<std::vector<std::string>(const RootConfig&)>;

  /// `find` names the struct inside the root (or makes it, for an element "*").
  Section(ParameterTable& table, std::string path, Find find, Keys keys = {})
      : table_(table), path_(std::move(path)), find_(std::move(find)), keys_(std::move(keys)) {}

  /// A number, truth value, text or list; its type is the member's.
  template <class T>
  Section& add(const std::string& name, T Struct::* member, ParameterText text) {
    Parameter p = start(name, detail::JsonOf<T>::kind, std::move(text));
    p.get = [find = find_, member](const RootConfig& c, const std::string& key) {
      return detail::JsonOf<T>::to(find(const_cast<RootConfig&>(c), key).*member);
    };
    p.set = [find = find_, member](RootConfig& c, const std::string& key, const Json& j) {
      detail::JsonOf<T>::from(j, find(c, key).*member);
    };
    if constexpr (std::unsigned_integral<T>) {
      p.text.range.max =
          std::min(p.text.range.max, static_cast<double>(std::numeric_limits<T>::max()));
    }
    table_.push_back(std::move(p));
    return *this;
  }

  /// The name of a file, resolved like every file name of the configuration.
  Section& add_file(const std::string& name, std::string Struct::* member, ParameterText text) {
    add(name, member, std::move(text));
    table_.back().kind = ParameterKind::kFile;
    return *this;
  }

  /// One of a few words.
  template <class E>
  Section& add(const std::string& name, E Struct::* member, const Choices<E>& choices,
               ParameterText text) {
    Parameter p = start(name, ParameterKind::kChoice, std::move(text));
    for (const auto& [word, value] : choices) {
      p.choices.push_back(word);
    }
    p.get = [find = find_, member, choices](const RootConfig& c, const std::string& key) -> Json {
      for (const auto& [word, value] : choices) {
        if (find(const_cast<RootConfig&>(c), key).*member == value) {
          return word;
        }
      }
      return nullptr;
    };
    p.set = [find = find_, member, choices](RootConfig& c, const std::string& key, const Json& j) {
      for (const auto& [word, value] : choices) {
        if (j == word) {
          find(c, key).*member = value;
        }
      }
    };
    table_.push_back(std::move(p));
    return *this;
  }

 private:
  Parameter start(const std::string& name, ParameterKind kind, ParameterText text) const {
    Parameter p;
    p.path = path_ + "/" + name;
    p.kind = kind;
    p.text = std::move(text);
    p.keys = keys_;
    return p;
  }

  ParameterTable& table_;
  std::string path_;
  Find find_;
  Keys keys_;
};

/// The words of a parameter's type, unit and range, as documentation and error messages show them
/// ("integer, 1..16, a power of two").
std::string allowed_text(const Parameter& parameter);

}  // namespace etude
