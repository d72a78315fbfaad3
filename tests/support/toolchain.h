// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace etude::test {

/// A folder of its own that disappears with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Writes `text` into `file`.
void write_text(const std::filesystem::path& file, const std::string& text);
/// The bytes of `file`.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file);
/// Standard output of a shell command; throws std::runtime_error if it fails and `must_succeed`.
std::string capture(const std::string& command, bool must_succeed = true);

/// Assembles with clang-19 for `march` and links with lld at `base` (entry _start): returns the
/// path of the ELF file; a flat image stands beside it with the ending .bin.
std::filesystem::path assemble(const TempDir& folder, const std::string& name,
                               const std::string& source, const std::string& march,
                               const std::string& base);

}  // namespace etude::test
