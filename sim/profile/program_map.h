// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/platform/elf_file.h"
#include "sim/profile/inlined_functions.h"

namespace etude {

/// A line of a source file; line 0 of file "???" where the program has no debug information.
struct SourceLine {
  std::uint32_t file{0};  ///< index of ProgramMap::file()
  std::uint32_t line{0};

  auto operator<=>(const SourceLine&) const = default;
};

/// What stands where in a program: functions by its symbols, lines by its DWARF line table.
class ProgramMap {
 public:
  /// `path` is the file that `elf` was loaded from; a line table that cannot be read is left out.
  ProgramMap(const ElfFile& elf, const std::filesystem::path& path);

  /// Index of the function that holds `pc`; 0, called "(no symbol)", if none does.
  std::uint32_t function(std::uint32_t pc) const;
  const std::string& name(std::uint32_t function) const { return functions_[function].name; }
  /// Address of its first instruction.
  std::uint32_t entry(std::uint32_t function) const { return functions_[function].address; }
  std::size_t functions() const { return functions_.size(); }

  SourceLine line(std::uint32_t pc) const;
  /// Path of a source file as the compiler saw it.
  const std::string& file(std::uint32_t index) const { return files_[index]; }
  bool has_lines() const { return !rows_.empty(); }
  /// "function (file:line)", the file without its folder; where the compiler has put the line's
  /// function into another, "inlined (file:line) in function (file:line)".
  std::string describe(std::uint32_t pc) const;
  /// function() and describe() by the function that holds `pc`, also where a label of assembly
  /// stands inside it.
  std::uint32_t enclosing(std::uint32_t pc) const;
  std::string describe_in_function(std::uint32_t pc) const {
    return with_line(name(enclosing(pc)), pc);
  }

  /// Name of a region: the program's own, else its number.
  std::string region(std::uint32_t number) const;

 private:
  std::string with_line(const std::string& text, std::uint32_t pc) const;

  /// A row of the line table: valid from `address` to the next row.
  struct Row {
    std::uint32_t address;
    bool end;  ///< nothing is known from here on
    SourceLine at;
  };

  void read_lines(const ElfFile& elf, const std::filesystem::path& path);

  std::vector<ElfFunction> functions_;
  std::map<std::uint32_t, std::string> regions_;
  std::vector<std::string> files_{"???"};
  std::vector<Row> rows_;
  InlinedFunctions inlined_;
};

}  // namespace etude
