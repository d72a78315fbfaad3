// SPDX-License-Identifier: Apache-2.0
#include "sim/report/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace etude {

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

std::string engineering(double number, const std::string& unit) {
  struct Prefix {
    double factor;
    const char* name;
  };
  constexpr Prefix prefixes[] = {{1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                                 {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  if (number == 0 || !std::isfinite(number)) {
    return fixed(number, 0) + " " + unit;
  }
  const Prefix* chosen = &prefixes[std::size(prefixes) - 1];
  for (const Prefix& prefix : prefixes) {
    if (std::abs(number) >= prefix.factor * 0.99995) {
      chosen = &prefix;
      break;
    }
  }
  const double scaled = number / chosen->factor;
  const int digits = std::abs(scaled) >= 99.995 ? 1 : std::abs(scaled) >= 9.9995 ? 2 : 3;
  return fixed(scaled, digits) + " " + chosen->name + unit;
}

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }

std::string bar(double share, unsigned width) {
  const double clamped = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(std::lround(clamped * width));
  return std::string(filled, '#') + std::string(width - filled, '.');
}

std::string wrapped(const std::string& words, std::size_t width, unsigned first, unsigned rest) {
  std::istringstream in(words);
  std::string text;
  std::string line(first, ' ');
  bool empty = true;  // nothing but the indent in this line
  for (std::string word; in >> word;) {
    if (!empty && line.size() + 1 + word.size() > width) {
      text += line + "\n";
      line.assign(rest, ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return text + line + "\n";
}

std::string TextTable::text() const {
  std::vector<std::vector<std::string>> all{head_};
  all.insert(all.end(), rows_.begin(), rows_.end());
  std::vector<bool> left(head_.size());
  for (std::size_t c = 0; c < head_.size(); ++c) {
    left[c] = c == 0 || (!head_[c].empty() && head_[c][0] == '<');
    if (!head_[c].empty() && head_[c][0] == '<') {
      all[0][c].erase(0, 1);
    }
  }
  std::vector<std::size_t> width(head_.size());
  for (const auto& row : all) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      width[c] = std::max(width[c], row[c].size());
    }
  }
  std::string text;
  for (const auto& row : all) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(width[c] - row[c].size(), ' ');
      line += "  " + (left[c] ? row[c] + pad : pad + row[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (!line.empty()) {
      text += line + "\n";
    }
  }
  return text;
}

}  // namespace etude
