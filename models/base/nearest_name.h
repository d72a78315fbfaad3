// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace etude {

/// Single-character edits that lead from one word to the other (Levenshtein).
std::size_t edit_distance(const std::string& a, const std::string& b);

/// The first of the names with the fewest edits from `given`; empty where there is no name.
std::string nearest_name(const std::string& given, const std::vector<std::string>& names);

}  // namespace etude
