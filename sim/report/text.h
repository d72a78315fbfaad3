// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etude {

/// 1234567 -> "1,234,567".
std::string with_commas(std::uint64_t number);
/// With so many digits behind the point.
std::string fixed(double number, int digits);
/// Four significant digits and an SI prefix: engineering(0.00412, "s") = "4.120 ms".
std::string engineering(double number, const std::string& unit);
/// "12.3 %".
std::string percent(double share);
/// `width` characters, filled in proportion to `share` (0..1).
std::string bar(double share, unsigned width);

/// Words in lines of at most `width` characters (longer words stand alone), the first indented by
/// `first` spaces, further ones by `rest`; ends with a line break.
std::string wrapped(const std::string& words, std::size_t width, unsigned first, unsigned rest);

/// Rows of cells, aligned: the first column to the left, others to the right, unless its head
/// begins with '<'.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) : head_(std::move(head)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// The lines, each beginning with two spaces.
  std::string text() const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace etude
