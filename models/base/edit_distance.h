// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace etude {

/// Single-character edits that lead from one word to the other (Levenshtein), to suggest the name
/// that a user may have meant.
std::size_t edit_distance(const std::string& a, const std::string& b);

}  // namespace etude
