// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>

#include "tests/support/toolchain.h"

namespace etude::test {

/// The text of `file`.
inline std::string text_of(const std::filesystem::path& file) {
  const auto bytes = read_bytes(file);
  return {bytes.begin(), bytes.end()};
}

/// A name for what is made of `content` (FNV-1a), for files that are kept.
inline std::string content_name(const std::string& content) {
  std::uint64_t hash = 1469598103934665603u;
  for (const char c : content) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  std::ostringstream name;
  name << std::hex << hash;
  return name.str();
}

/// Where to write what will be renamed to `file`: suites that run side by side make the same one.
inline std::string partial_name(const std::filesystem::path& file) {
  return file.string() + "." + std::to_string(getpid()) + ".tmp";
}

}  // namespace etude::test
