// SPDX-License-Identifier: Apache-2.0
#include "sim/config/check.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"
#include "models/base/nearest_name.h"
#include "sim/config/schedule_words.h"
#include "sim/config/tree.h"

namespace etude {
namespace {
constexpr std::size_t kLongestShown = 60;

bool is_whole(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>() &&
          std::abs(value.get<double>()) < 9e15);
}

bool has_kind(const Parameter& p, const Json& value) {
  switch (p.kind) {
    case ParameterKind::kBoolean:
      return value.is_boolean();
    case ParameterKind::kInteger:
      return is_whole(value);
    case ParameterKind::kNumber:
      return value.is_number() && std::isfinite(value.get<double>());
    case ParameterKind::kString:
    case ParameterKind::kFile:
    case ParameterKind::kChoice:
      return value.is_string();
    case ParameterKind::kStrings:
      return value.is_array() &&
             std::all_of(value.begin(), value.end(), [](const Json& j) { return j.is_string(); });
    case ParameterKind::kSizes:
      return value.is_array() && std::all_of(value.begin(), value.end(), is_whole);
  }
  return false;
}
}  // namespace

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > kLongestShown ? text.substr(0, kLongestShown) + "..." : text;
}

std::string allowed_text(const Parameter& p) {
  const std::string unit = p.text.unit.empty() ? "" : " (" + p.text.unit + ")";
  switch (p.kind) {
    case ParameterKind::kBoolean:
      return "true or false";
    case ParameterKind::kInteger:
      return "an integer " + p.text.range.text() + unit;
    case ParameterKind::kNumber:
      return "a number " + p.text.range.text() + unit;
    case ParameterKind::kString:
      return "a string";
    case ParameterKind::kFile:
      return "the name of a file";
    case ParameterKind::kChoice: {
      std::string words;
      for (const std::string& choice : p.choices) {
        words += (words.empty() ? "\"" : ", \"") + choice + "\"";
      }
      return p.choices.size() == 1 ? words : "one of " + words;
    }
    case ParameterKind::kStrings:
      return "a list of strings";
    case ParameterKind::kSizes:
      return "a list of integers, each " + p.text.range.text();
  }
  return "";
}

void check_value(const Parameter& p, const Json& value, const std::string& where) {
  const std::string remedy = "give " + allowed_text(p);
  if (!has_kind(p, value)) {
    throw UserError(where, shown(value) + " has the wrong type", remedy);
  }
  const auto check_number = [&](const Json& number) {
    const auto given = number.get<double>();
    if (!p.text.range.holds(given)) {
      throw UserError(
          where,
          shown(number) + (p.text.range.within(given) ? " is no power of two" : " is out of range"),
          remedy);
    }
  };
  if (p.kind == ParameterKind::kInteger || p.kind == ParameterKind::kNumber) {
    check_number(value);
  } else if (p.kind == ParameterKind::kSizes) {
    std::for_each(value.begin(), value.end(), check_number);
  } else if (p.kind == ParameterKind::kChoice &&
             std::find(p.choices.begin(), p.choices.end(), value.get<std::string>()) ==
                 p.choices.end()) {
    throw UserError(where, shown(value) + " is unknown here",
                    called_here(value.get<std::string>()) + remedy);
  }
}

std::string suggestion(const ParameterTable& table, const std::string& pointer) {
  const auto given = pointer_elements(pointer);
  std::vector<std::string> beside;
  std::string elsewhere;
  for (const Parameter& p : table) {
    const auto known = pointer_elements(p.path);
    const std::size_t depth = given.size() - 1;
    const bool sibling =
        known.size() > depth &&
        std::equal(given.begin(), given.end() - 1, known.begin(),
                   [](const auto& g, const auto& k) { return k == "*" || g == k; });
    if (sibling && known[depth] != "*" &&
        std::find(beside.begin(), beside.end(), known[depth]) == beside.end()) {
      beside.push_back(known[depth]);
    }
    if (known.back() == given.back()) {
      elsewhere = p.path;
    }
  }
  const std::string nearest = nearest_name(given.back(), beside);
  if (!nearest.empty() &&
      edit_distance(nearest, given.back()) <= std::max<std::size_t>(2, given.back().size() / 3)) {
    return "did you mean \"" + nearest + "\"?";
  }
  if (!elsewhere.empty()) {
    return "did you mean " + elsewhere + "?";
  }
  if (nearest.empty()) {
    return "this section has no keys; see configs/README.md";
  }
  std::string list;
  for (const std::string& key : beside) {
    list += (list.empty() ? "" : ", ") + key;
  }
  return "nearest known key \"" + nearest + "\"; known here: " + list;
}

}  // namespace etude
