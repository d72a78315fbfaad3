// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/program_map.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace etude {
namespace {

/// A program's debug information; closed with the object.
class Debug {
 public:
  explicit Debug(const std::filesystem::path& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        dwarf_(descriptor_ >= 0 ? dwarf_begin(descriptor_, DWARF_C_READ) : nullptr) {}
  ~Debug() {
    if (dwarf_ != nullptr) {
      dwarf_end(dwarf_);
    }
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  Debug(const Debug&) = delete;
  Debug& operator=(const Debug&) = delete;
  Dwarf* get() const { return dwarf_; }

 private:
  int descriptor_;
  Dwarf* dwarf_;
};

bool is_loaded(const ElfFile& elf, std::uint32_t address) {
  return std::ranges::any_of(elf.segments(), [&](const ElfSegment& segment) {
    return address - segment.base.raw() < segment.bytes.size();
  });
}

}  // namespace

ProgramMap::ProgramMap(const ElfFile& elf, const std::filesystem::path& path)
    : functions_{{0, 0, "(no symbol)"}}, regions_(elf.region_names()) {
  functions_.insert(functions_.end(), elf.functions().begin(), elf.functions().end());
  read_lines(elf, path);
}

void ProgramMap::read_lines(const ElfFile& elf, const std::filesystem::path& path) {
  const Debug debug(path);
  if (debug.get() == nullptr) {
    return;
  }
  std::map<std::string, std::uint32_t> known;
  Dwarf_Lines* previous = nullptr;
  Dwarf_CU* cu = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(debug.get(), cu, &cu, nullptr, nullptr, &die, nullptr) == 0) {
    inlined_.read(&die);
    Dwarf_Lines* lines = nullptr;
    std::size_t count = 0;
    if (dwarf_getsrclines(&die, &lines, &count) != 0 || lines == previous) {
      continue;
    }
    previous = lines;
    for (std::size_t i = 0; i < count; ++i) {
      Dwarf_Line* const line = dwarf_onesrcline(lines, i);
      Dwarf_Addr address = 0;
      bool end = false;
      int number = 0;
      dwarf_lineaddr(line, &address);
      dwarf_lineendsequence(line, &end);
      dwarf_lineno(line, &number);
      const char* const source = dwarf_linesrc(line, nullptr, nullptr);
      const auto at = static_cast<std::uint32_t>(address);
      // Code that the linker has thrown away keeps its rows, at address 0.
      if (address > 0xffffffffu || (!end && !is_loaded(elf, at))) {
        continue;
      }
      SourceLine where;
      if (!end && source != nullptr) {
        const auto [found, is_new] =
            known.try_emplace(source, static_cast<std::uint32_t>(files_.size()));
        if (is_new) {
          files_.push_back(std::filesystem::path(source).lexically_normal().string());
        }
        where = {found->second, static_cast<std::uint32_t>(number)};
      }
      if (!end && number == 0 && i != 0 && !rows_.empty() && !rows_.back().end) {
        where = rows_.back().at;  // code of no line in particular: that of the line before it
      }
      rows_.push_back({at, end, where});
    }
  }
  inlined_.fill();
  // At one address an end comes before what begins there, and of several rows the last counts.
  std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
    return a.address != b.address ? a.address < b.address : a.end && !b.end;
  });
}

std::uint32_t ProgramMap::function(std::uint32_t pc) const {
  const auto after = std::upper_bound(
      functions_.begin() + 1, functions_.end(), pc,
      [](std::uint32_t at, const ElfFunction& entry) { return at < entry.address; });
  const auto found = after - 1;
  if (found == functions_.begin() || (found->size != 0 && pc - found->address >= found->size)) {
    return 0;
  }
  return static_cast<std::uint32_t>(found - functions_.begin());
}

SourceLine ProgramMap::line(std::uint32_t pc) const {
  const auto after =
      std::upper_bound(rows_.begin(), rows_.end(), pc,
                       [](std::uint32_t at, const Row& row) { return at < row.address; });
  return after == rows_.begin() ? SourceLine{} : std::prev(after)->at;
}

std::string ProgramMap::describe(std::uint32_t pc) const {
  return with_line(name(function(pc)), pc);
}

std::uint32_t ProgramMap::enclosing(std::uint32_t pc) const {
  const auto after = std::upper_bound(
      functions_.begin() + 1, functions_.end(), pc,
      [](std::uint32_t at, const ElfFunction& entry) { return at < entry.address; });
  for (auto it = after; it != functions_.begin() + 1;) {
    --it;
    if (it->size != 0) {
      return pc - it->address < it->size ? static_cast<std::uint32_t>(it - functions_.begin())
                                         : function(pc);
    }
  }
  return function(pc);
}

std::string ProgramMap::with_line(const std::string& text, std::uint32_t pc) const {
  const SourceLine at = line(pc);
  if (at.file == 0) {
    return text;
  }
  const std::string place = " (" + std::filesystem::path(file(at.file)).filename().string() + ":" +
                            std::to_string(at.line) + ")";
  return inlined_.describe(pc, place, text);
}

std::string ProgramMap::region(std::uint32_t number) const {
  const auto found = regions_.find(number);
  return found != regions_.end() ? found->second : "region " + std::to_string(number);
}

}  // namespace etude
