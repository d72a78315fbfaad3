// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace etude {

/// The file that `name` means: as it is (an absolute name, or from the current folder), beside the
/// file that names it, then below configs/ (found from the current folder upwards, else from the
/// program's own place upwards, else the installed one). Nothing if there is none.
std::optional<std::filesystem::path> find_file(const std::string& name,
                                               const std::filesystem::path& named_in);

/// Reads a JSON file. Throws UserError with line and column where the text is malformed, and for a
/// key that stands twice in one object.
nlohmann::ordered_json read_json_file(const std::filesystem::path& file);

/// Lower-case hexadecimal SHA-256 of `bytes`.
std::string content_hash(const std::string& bytes);

/// SHA-256 of what a file contains; UserError naming `where` if it cannot be read. Of a file that
/// has not changed since (time, size, inode) it is remembered.
std::string file_content_hash(const std::string& file, const std::string& where);

/// What a file contains; UserError naming `where` if it cannot be read.
std::string read_whole_file(const std::filesystem::path& file, const std::string& where);

}  // namespace etude
