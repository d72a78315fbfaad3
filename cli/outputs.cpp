// SPDX-License-Identifier: Apache-2.0
#include "cli/outputs.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "models/base/error.h"

namespace etude::cli {
namespace {
namespace fs = std::filesystem;

/// The path without links, whether anything is there or not.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  const fs::path full = fs::weakly_canonical(fs::absolute(path), error);
  return error ? fs::absolute(path).lexically_normal() : full;
}

bool same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::exists(a, error) && !fs::is_regular_file(a, error) && !fs::is_directory(a, error)) {
    return false;  // terminals, /dev/null: as many as wanted
  }
  return resolved(a) == resolved(b) || fs::equivalent(a, b, error);  // equivalent: hard links
}

bool writable(const fs::path& path) { return access(path.c_str(), W_OK) == 0; }

bool folder_can_be(const fs::path& path) {
  std::error_code error;
  fs::path there = resolved(path);
  while (!fs::exists(there, error) && there.has_relative_path()) {
    there = there.parent_path();
  }
  return fs::is_directory(there, error) && writable(there);
}

bool file_can_be(const fs::path& path, const std::vector<NamedPath>& folders) {
  std::error_code error;
  if (fs::exists(path, error)) {
    return !fs::is_directory(path, error) && writable(path);
  }
  const fs::path full = resolved(path);
  const fs::path parent = full.parent_path();
  return full.has_filename() && ((fs::is_directory(parent, error) && writable(parent)) ||
                                 std::ranges::any_of(folders, [&](const NamedPath& f) {
                                   return !f.path.empty() && resolved(f.path) == parent;
                                 }));
}

}  // namespace

void check_outputs(const std::vector<NamedPath>& inputs, const std::vector<NamedPath>& folders,
                   const std::vector<NamedPath>& files) {
  std::vector<NamedPath> taken = inputs;
  const auto claim = [&taken](const NamedPath& one, const std::string& path) {
    for (const NamedPath& other : taken) {
      if (same(other.path, path)) {
        throw UserError(path, one.option + " would overwrite " + other.option,
                        "give each a file of its own");
      }
    }
  };
  for (const NamedPath& folder : folders) {
    if (folder.path.empty()) {
      continue;
    }
    claim(folder, folder.path);
    if (!folder_can_be(folder.path)) {
      throw UserError(folder.path, "cannot be made a folder, or cannot be written",
                      "name a new one or a folder that can be written");
    }
    taken.push_back({"the folder of " + folder.option, folder.path, {}});
    for (const std::string& name : folder.inside) {
      const std::string path = (fs::path(folder.path) / name).string();
      claim(folder, path);
      if (!file_can_be(path, folders)) {
        throw UserError(path, "cannot be written", "name a new folder or one that can be written");
      }
      taken.push_back({name + " of " + folder.option, path, {}});
    }
  }
  for (const NamedPath& file : files) {
    if (file.path.empty()) {
      continue;
    }
    claim(file, file.path);
    if (!file_can_be(file.path, folders)) {
      throw UserError(file.path, "cannot be written", "name a file in a folder that can be");
    }
    taken.push_back({file.option, file.path, {}});
  }
}

}  // namespace etude::cli
