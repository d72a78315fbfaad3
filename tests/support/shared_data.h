// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace etude::test {

/// The root of this source tree.
std::filesystem::path source_dir();
/// The build folder of the running test (etude-sim and kernels/ stand in it).
std::filesystem::path binary_dir();
/// `relative` below the reference folder (environment ETUDE_SHARED_DIR, else ../shared beside the
/// source tree), else the same record as tests/data carries it (unpacked into the build folder).
/// The running test case is skipped if neither has it.
std::filesystem::path shared_file(const std::string& relative);

/// A CSV file with a header line: one map of column name to text per row (no quoting but "...").
std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& file);

}  // namespace etude::test
