// SPDX-License-Identifier: Apache-2.0
#include "sim/platform/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "models/base/error.h"

namespace etude {
namespace {

// More than any simulated memory holds; keeps a broken size field or a file of holes from
// allocating the host's memory.
constexpr std::uint64_t kLargestSegment = 128ull << 20;
constexpr std::uint64_t kLargestFile = 1ull << 30;  // debug information included

/// The file's bytes with bounds-checked views on the structures in it.
class Image {
 public:
  explicit Image(const std::filesystem::path& path) : name_(path.string()) {
    const char* const wanted = "name a bare-metal RV32 ELF executable";
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      throw UserError(name_, "is no regular file", wanted);  // a pipe or device may have no end
    }
    std::ifstream in(path, std::ios::binary);
    const auto size = std::filesystem::file_size(path, error);
    if (!in || error) {
      throw UserError(name_, "cannot be read", wanted);
    }
    if (size > kLargestFile) {
      throw UserError(name_,
                      "has " + std::to_string(size) + " bytes, more than the " +
                          std::to_string(kLargestFile) + " of an ELF for any platform",
                      wanted);
    }
    bytes_.resize(size);
    in.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(size));
    bytes_.resize(static_cast<std::size_t>(in.gcount()));
  }

  template <class T>
  T at(std::uint64_t offset, const char* what) const {
    T value;
    require(offset, sizeof(T), what);
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  void require(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      fail(std::string("is truncated: its ") + what + " lies past the end of the file");
    }
  }

  [[noreturn]] void fail(const std::string& wrong) const {
    throw UserError(name_, wrong,
                    "allowed is a complete little-endian 32-bit RISC-V ELF executable");
  }

  const std::uint8_t* data() const { return bytes_.data(); }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  std::string name_;
  std::vector<std::uint8_t> bytes_;
};

std::string string_at(const Image& image, const Elf32_Shdr& strings, std::uint32_t index) {
  std::string text;
  for (std::uint64_t i = index; i < strings.sh_size; ++i) {
    const char c = image.at<char>(strings.sh_offset + i, "string table");
    if (c == 0) {
      break;
    }
    text += c;
  }
  return text;
}

/// Collects the functions of symbol tables: of several names of one address the best.
class FunctionTable {
 public:
  void add(const Elf32_Sym& symbol, const std::string& name) {
    const unsigned type = ELF32_ST_TYPE(symbol.st_info);
    const bool global = ELF32_ST_BIND(symbol.st_info) != STB_LOCAL;
    if (type != STT_FUNC && !(type == STT_NOTYPE && global)) {
      return;
    }
    const int rank = (type == STT_FUNC ? 2 : 0) + (global ? 1 : 0);
    const auto [found, is_new] = best_.try_emplace(symbol.st_value, rank, ElfFunction{});
    if (is_new || found->second.first < rank) {
      found->second = {rank, {symbol.st_value, type == STT_FUNC ? symbol.st_size : 0u, name}};
    }
  }
  std::vector<ElfFunction> take() {
    std::vector<ElfFunction> out;
    for (auto& [address, entry] : best_) {
      out.push_back(std::move(entry.second));
    }
    return out;
  }

 private:
  std::map<std::uint32_t, std::pair<int, ElfFunction>> best_;
};

// A section of words that says something to tools: ".etude." and a name.
std::vector<std::uint32_t> words_in(const Image& image, const Elf32_Shdr& section) {
  std::vector<std::uint32_t> words;
  for (std::uint32_t o = 0; o + 4 <= section.sh_size; o += 4) {
    words.push_back(image.at<std::uint32_t>(section.sh_offset + o, "section of words"));
  }
  return words;
}

std::map<std::uint32_t, std::string> names_of_regions(const Image& image,
                                                      const Elf32_Shdr& section) {
  std::map<std::uint32_t, std::string> names;
  for (std::uint64_t o = 0; o + 4 < section.sh_size;) {
    const auto number = image.at<std::uint32_t>(section.sh_offset + o, "names of regions");
    const std::string name = string_at(image, section, static_cast<std::uint32_t>(o + 4));
    if (!name.empty()) {  // else fill of the linker
      names.emplace(number, name);
    }
    o += 4 + name.size() + 1;
  }
  return names;
}

}  // namespace

ElfFile ElfFile::load(const std::filesystem::path& path) {
  const Image image(path);
  if (image.size() < SELFMAG || std::memcmp(image.data(), ELFMAG, SELFMAG) != 0) {
    image.fail("is no ELF file");
  }
  const auto header = image.at<Elf32_Ehdr>(0, "header");
  if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_RISCV) {
    image.fail("is an ELF file of another machine");
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    image.fail("is an object file that has not been linked");
  }
  ElfFile file;
  file.entry_ = Address{header.e_entry};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = image.at<Elf32_Phdr>(
        header.e_phoff + std::uint64_t{i} * header.e_phentsize, "program header");
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) {
      continue;
    }
    // Linkers map the ELF header itself below the program unless told not to; bare metal has no use
    // for it, and often no memory there.
    const std::uint64_t headers =
        header.e_phoff + std::uint64_t{header.e_phnum} * header.e_phentsize;
    if (segment.p_offset == 0 && segment.p_memsz <= headers) {
      continue;
    }
    if (segment.p_filesz > segment.p_memsz || segment.p_memsz > kLargestSegment) {
      image.fail("has a segment with impossible sizes");
    }
    image.require(segment.p_offset, segment.p_filesz, "segment");
    ElfSegment loaded{Address{segment.p_paddr}, std::vector<std::uint8_t>(segment.p_memsz, 0)};
    std::memcpy(loaded.bytes.data(), image.data() + segment.p_offset, segment.p_filesz);
    file.segments_.push_back(std::move(loaded));
  }
  if (file.segments_.empty()) {
    image.fail("has nothing to load");
  }
  const auto at = [&](unsigned n) {
    return image.at<Elf32_Shdr>(header.e_shoff + std::uint64_t{n} * header.e_shentsize,
                                "section header");
  };
  FunctionTable functions;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const Elf32_Shdr section = at(i);
    const std::string title = header.e_shstrndx < header.e_shnum
                                  ? string_at(image, at(header.e_shstrndx), section.sh_name)
                                  : "";
    if (section.sh_type == SHT_PROGBITS && title == ".etude.regions") {
      file.region_names_ = names_of_regions(image, section);
    } else if (section.sh_type == SHT_PROGBITS && title.starts_with(".etude.")) {
      file.words_[title] = words_in(image, section);
    }
    if ((section.sh_flags & SHF_ALLOC) != 0 && section.sh_size != 0) {
      file.sections_.push_back({section.sh_addr, section.sh_size,
                                (section.sh_flags & SHF_WRITE) != 0,
                                (section.sh_flags & SHF_EXECINSTR) != 0, title});
    }
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= header.e_shnum) {
      continue;
    }
    const Elf32_Shdr strings = at(section.sh_link);
    for (std::uint64_t o = 0; o + sizeof(Elf32_Sym) <= section.sh_size; o += sizeof(Elf32_Sym)) {
      const auto symbol = image.at<Elf32_Sym>(section.sh_offset + o, "symbol table");
      const unsigned type = ELF32_ST_TYPE(symbol.st_info);
      const std::string name = string_at(image, strings, symbol.st_name);
      if (name.empty() || symbol.st_shndx == SHN_UNDEF || type == STT_FILE || type == STT_SECTION) {
        continue;
      }
      file.by_name_.emplace(name, symbol.st_value);
      if (symbol.st_shndx < header.e_shnum && (at(symbol.st_shndx).sh_flags & SHF_EXECINSTR) != 0) {
        functions.add(symbol, name);
      } else if (symbol.st_shndx < header.e_shnum && name[0] != '$' && name[0] != '.' &&
                 (type == STT_OBJECT || type == STT_NOTYPE)) {
        file.objects_.push_back({symbol.st_value, symbol.st_size, name});
      }
      if (name[0] != '$' && name[0] != '.') {  // mapping and local symbols name no function
        file.by_address_.emplace(symbol.st_value, name);
      }
    }
  }
  file.functions_ = functions.take();
  std::ranges::stable_sort(file.objects_, {}, &ElfObject::address);
  std::ranges::stable_sort(file.sections_, {}, &ElfSection::address);
  return file;
}

const std::vector<std::uint32_t>& ElfFile::words_of(const std::string& name) const {
  static const std::vector<std::uint32_t> none;
  const auto found = words_.find(name);
  return found != words_.end() ? found->second : none;
}

std::optional<Address> ElfFile::symbol(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(Address{found->second});
}

std::string ElfFile::describe(Address address) const {
  char number[16];
  std::snprintf(number, sizeof number, "0x%08x", address.raw());
  const auto after = by_address_.upper_bound(address.raw());
  if (after == by_address_.begin()) {
    return number;
  }
  const auto& [start, name] = *std::prev(after);
  std::string text = std::string(number) + " (" + name;
  if (address.raw() != start) {
    std::snprintf(number, sizeof number, "+0x%x", address.raw() - start);
    text += number;
  }
  return text + ")";
}

}  // namespace etude
