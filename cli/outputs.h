// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace etude::cli {

/// A file or folder that a command line names.
struct NamedPath {
  std::string option;  ///< as users write it; of an input: what it is
  std::string path;
  std::vector<std::string> inside;  ///< of a folder: the files that will be written there
};

/// Finds out, without making anything, whether each of `files` and `folders` can be written: none
/// is one of `inputs` or another output by whatever name or link, folders are folders or can be
/// made, files stand in a folder that is there or in one of `folders`. Empty paths are none.
/// Errors: UserError.
void check_outputs(const std::vector<NamedPath>& inputs, const std::vector<NamedPath>& folders,
                   const std::vector<NamedPath>& files);

}  // namespace etude::cli
