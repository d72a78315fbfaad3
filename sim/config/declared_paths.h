// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sim/config/parameter.h"

namespace etude {

/// Where the parameters of a table stand in a configuration: what a JSON pointer names, without
/// going through the table. "*" in a declared path stands for any element.
class DeclaredPaths {
 public:
  /// `table` must outlive it.
  explicit DeclaredPaths(const ParameterTable& table);

  /// The parameter at `pointer`, or null.
  const Parameter* at(const std::string& pointer) const;
  /// Whether a parameter stands below `pointer`.
  bool is_section(const std::string& pointer) const;
  /// The last element of the parameter that a string at the section `pointer` gives; "": none does,
  /// a string there names a file.
  std::string named_by_string(const std::string& pointer) const;

 private:
  std::unordered_map<std::string, const Parameter*> plain_;
  std::unordered_set<std::string> sections_;  ///< all that stands above a plain path
  std::vector<const Parameter*> patterns_;
  std::vector<const Parameter*> naming_;  ///< those that name their section
};

}  // namespace etude
