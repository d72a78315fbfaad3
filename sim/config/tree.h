// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sim/config/declared_paths.h"

namespace etude {

/// The raw configuration: the user's JSON with named files read into place, and where each part
/// came from.
class ConfigTree {
 public:
  /// `table` must outlive it.
  explicit ConfigTree(const ParameterTable& table) : declared_(table) {}

  /// Puts the content of a file, found as find_file says, at `pointer` ("" = root).
  void put_file(const std::string& pointer, const std::string& name,
                const std::filesystem::path& named_in);
  /// Puts a value that the program itself supplies, or took from the file `origin`.
  void put(const std::string& pointer, Json value, const std::filesystem::path& origin = {});
  /// Applies one "/json/pointer=VALUE".
  void set(const std::string& assignment);
  /// Reads every file that still stands by name where a section belongs.
  void expand();

  const Json& root() const { return root_; }
  /// Where parameters may stand.
  const DeclaredPaths& declared() const { return declared_; }
  /// "file: /pointer" or "--set /pointer": the beginning of an error message.
  std::string where(const std::string& pointer) const;
  /// The file that `pointer` was read from; empty: the command line.
  std::filesystem::path origin(const std::string& pointer) const;

 private:
  void expand_below(const std::string& pointer, Json& node, int depth);

  DeclaredPaths declared_;
  Json root_ = Json::object();
  std::map<std::string, std::filesystem::path> origins_;
};

/// Elements of a JSON pointer, unescaped.
std::vector<std::string> pointer_elements(const std::string& pointer);

/// One element, escaped for a JSON pointer.
std::string pointer_escape(const std::string& element);

}  // namespace etude
