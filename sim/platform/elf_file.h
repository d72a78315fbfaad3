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

/// A stretch of code with a name: a function, or what stands behind a global label of assembly.
struct ElfFunction {
  std::uint32_t address;
  std::uint32_t size;  ///< bytes; 0: up to the next one
  std::string name;
};

/// A piece of data with a name. Size 0: the program does not say.
struct ElfObject {
  std::uint32_t address;
  std::uint32_t size;
  std::string name;
};

/// A section that takes memory, loaded or not.
struct ElfSection {
  std::uint32_t address;
  std::uint32_t size;
  bool writable;
  bool code;
  std::string name;
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
  /// In the order of their addresses, none twice.
  const std::vector<ElfFunction>& functions() const { return functions_; }
  /// Names of regions by number, as the program gives them (section .etude.regions: a little-endian
  /// word and a zero-terminated name each).
  const std::map<std::uint32_t, std::string>& region_names() const { return region_names_; }
  /// All symbols with a name, of whatever type and section, by address.
  const std::map<std::uint32_t, std::string>& names() const { return by_address_; }
  /// Data symbols in the order of their addresses.
  const std::vector<ElfObject>& objects() const { return objects_; }
  /// In the order of their addresses.
  const std::vector<ElfSection>& sections() const { return sections_; }
  /// The little-endian words of the section called `name`, which is not loaded; empty if the file
  /// has none.
  const std::vector<std::uint32_t>& words_of(const std::string& name) const;
  /// Address of the symbol called `name`, if the file has it.
  std::optional<Address> symbol(const std::string& name) const;
  /// "function+0x12" for an address, or its bare hexadecimal form if no symbol precedes it.
  std::string describe(Address address) const;

 private:
  Address entry_{};
  std::vector<ElfSegment> segments_;
  std::vector<ElfFunction> functions_;
  std::vector<ElfObject> objects_;
  std::vector<ElfSection> sections_;
  std::map<std::string, std::vector<std::uint32_t>> words_;
  std::map<std::uint32_t, std::string> region_names_;
  std::map<std::string, std::uint32_t> by_name_;
  std::map<std::uint32_t, std::string> by_address_;
};

}  // namespace etude
