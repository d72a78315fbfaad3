// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace etude::test {

/// The root of this source tree.
std::filesystem::path source_dir();
/// The build folder of the running test (etude-sim and kernels/ stand in it).
std::filesystem::path binary_dir();
/// `relative` below the reference folder (environment ETUDE_SHARED_DIR, else ../shared beside the
/// source tree), or nothing if it is absent; then a line on stderr says which test misses what.
std::optional<std::filesystem::path> shared_file(const std::string& relative);

/// A CSV file with a header line: one map of column name to text per row (no quoting but "...").
std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& file);

}  // namespace etude::test
