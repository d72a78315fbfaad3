// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace etude {

/// A file of a run's folder, as manifest.json has it.
struct ManifestFile {
  std::string name;  ///< below the folder, "steps/4.npz"
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// The entry of a file with these bytes.
ManifestFile manifest_file(std::string name, const std::string& bytes);

/// manifest.json: what a run wrote, for the configuration of this hash (config_hash()). It is
/// written last: a folder without it holds no whole result.
std::string manifest_text(const std::string& configuration, const std::vector<ManifestFile>& files);

/// Refuses a folder whose files are not those that its manifest names, byte by byte, or whose
/// result is of another configuration than the one beside it. Errors: UserError naming the file.
void check_manifest(const std::filesystem::path& folder);

}  // namespace etude
