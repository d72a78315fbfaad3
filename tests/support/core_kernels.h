// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace etude::test {

/// Flat images of the recorded programs of one core (ID.S beside common.h), all of one ISA in one
/// assembly, each in a section of its own that is linked at address 0; kept in the build folder by
/// content.
class CoreKernels {
 public:
  /// Assembles `ids` of the folder `sources` with Zfinx or the F extension; throws
  /// std::runtime_error if that fails.
  CoreKernels(const std::filesystem::path& sources, const std::set<std::string>& ids, bool zfinx);

  /// The image of one program, for address 0; it starts at 0x80.
  std::vector<std::uint8_t> get(const std::string& id) const;

  /// The extensions that they are assembled for.
  static std::string march(bool zfinx);

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace etude::test
