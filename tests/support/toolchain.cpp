// SPDX-License-Identifier: Apache-2.0
#include "tests/support/toolchain.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace etude::test {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "etude-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary folder");
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string capture(const std::string& command, bool must_succeed) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("cannot start " + command);
  }
  std::string text;
  char buffer[65536];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, n);
  }
  if (pclose(pipe) != 0 && must_succeed) {
    throw std::runtime_error("failed: " + command);
  }
  return text;
}

std::filesystem::path assemble(const TempDir& folder, const std::string& name,
                               const std::string& source, const std::string& march,
                               const std::string& base) {
  const auto file = [&](const std::string& ending) { return (folder / (name + ending)).string(); };
  write_text(file(".S"), source);
  capture("clang-19 --target=riscv32 -mabi=ilp32 -march=" + march + " -c " + file(".S") + " -o " +
          file(".o"));
  capture("ld.lld-19 -Ttext=" + base + " -e _start " + file(".o") + " -o " + file(".elf"));
  capture("llvm-objcopy-19 -O binary " + file(".elf") + " " + file(".bin"));
  return file(".elf");
}

}  // namespace etude::test
