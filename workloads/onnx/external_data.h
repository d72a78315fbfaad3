// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace etude::onnxio {

/// The files beside a model that hold the data of its tensors (TensorProto.external_data).
class ExternalData {
 public:
  /// `model`: the ONNX file; nothing outside of its folder is ever read.
  explicit ExternalData(const std::filesystem::path& model);

  /// The `bytes` bytes of one tensor. `entries` are the keys and values of external_data: location
  /// (relative to the model's folder), offset, length. Errors: UserError at `where`, with the file,
  /// for an unknown, repeated or missing key, a number that is none, a path that leaves the folder
  /// (absolute, `..`, a link), a file that is no regular one, a length other than `bytes`, and data
  /// that end behind the file.
  std::string read(const std::string& where,
                   const std::vector<std::pair<std::string, std::string>>& entries,
                   std::uint64_t bytes);

  /// The files that were read, in the order of their names.
  const std::set<std::filesystem::path>& files() const { return files_; }

 private:
  std::filesystem::path folder_;
  std::set<std::filesystem::path> files_;
  std::uint64_t total_ = 0;
};

}  // namespace etude::onnxio
