// SPDX-License-Identifier: Apache-2.0
#include "tests/support/shared_data.h"

#include <cstdlib>
#include <fstream>

#include "tests/support/skip.h"

namespace etude::test {

std::filesystem::path source_dir() { return ETUDE_SOURCE_DIR; }
std::filesystem::path binary_dir() { return ETUDE_BINARY_DIR; }

std::filesystem::path shared_file(const std::string& relative) {
  const char* environment = std::getenv("ETUDE_SHARED_DIR");
  const std::filesystem::path shared = environment != nullptr
                                           ? std::filesystem::path(environment)
                                           : source_dir().parent_path() / "shared";
  for (const auto& root : {shared, binary_dir() / "data"}) {
    if (std::filesystem::exists(root / relative)) {
      return root / relative;
    }
  }
  skip("needs shared/" + relative + " (set ETUDE_SHARED_DIR)");
}

static std::vector<std::string> split_line(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  const auto names = split_line(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    const auto cells = split_line(line);
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < names.size() && i < cells.size(); ++i) {
      row[names[i]] = cells[i];
    }
  }
  return rows;
}

}  // namespace etude::test
