// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/base/types.h"

namespace etude {

/// One loadable piece of a program, at its physical address; `bytes` includes the zeroed tail
/// (.bss).
struct ElfSegment {
  Address base;
  std::vector<std::uint8_t> bytes;
};

/// A bare-metal 32-bit little-endian RISC-V executable: what to load, where to start, what is
/// called what.
class ElfFile {
 public:
  /// Reads and checks `path`. Throws UserError for anything that is not such a file, naming what is
  /// broken.
  static ElfFile load(const std::filesystem::path& path);

  Address entry() const { return entry_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  /// Address of the symbol called `name`, if the file has it.
  std::optional<Address> symbol(const std::string& name) const;
  /// "function+0x12" for an address, or its bare hexadecimal form if no symbol precedes it.
  std::string describe(Address address) const;

 private:
  Address entry_{};
  std::vector<ElfSegment> segments_;
  std::map<std::string, std::uint32_t> by_name_;
  std::map<std::uint32_t, std::string> by_address_;
};

}  // namespace etude
