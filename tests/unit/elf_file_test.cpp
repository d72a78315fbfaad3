// SPDX-License-Identifier: Apache-2.0
#include "sim/platform/elf_file.h"

#include <elf.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "models/base/error.h"
#include "tests/support/temp_folder.h"

namespace {

// A minimal executable: one segment of 8 bytes in the file and 12 in memory.
std::vector<char> tiny_elf() {
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_RISCV;
  header.e_entry = 0x1C000080;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = 1;
  Elf32_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_paddr = 0x1C000080;
  segment.p_filesz = 8;
  segment.p_memsz = 12;
  std::vector<char> bytes(sizeof header + sizeof segment + 8, 'x');
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &segment, sizeof segment);
  return bytes;
}

std::filesystem::path write_file(const std::vector<char>& bytes) {
  static const etude::test::TempFolder folder;
  const auto path = folder.path() / "program.elf";
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  return path;
}

}  // namespace

TEST_CASE("an executable's segment is loaded with its zeroed tail", "[elf]") {
  const auto file = etude::ElfFile::load(write_file(tiny_elf()));
  REQUIRE(file.segments().size() == 1);
  CHECK(file.entry() == etude::Address{0x1C000080});
  CHECK(file.segments()[0].bytes.size() == 12);
  CHECK(file.segments()[0].bytes[7] == 'x');
  CHECK(file.segments()[0].bytes[8] == 0);
}

TEST_CASE("an executable cut off anywhere is refused", "[elf]") {
  const auto whole = tiny_elf();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<char> cut(whole.begin(), whole.begin() + std::ptrdiff_t(size));
    CHECK_THROWS_AS(etude::ElfFile::load(write_file(cut)), etude::UserError);
  }
}

TEST_CASE("an executable of another machine is refused", "[elf]") {
  auto bytes = tiny_elf();
  bytes[EI_CLASS] = ELFCLASS64;
  CHECK_THROWS_AS(etude::ElfFile::load(write_file(bytes)), etude::UserError);
}
