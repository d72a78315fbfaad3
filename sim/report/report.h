// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace etude {

/// The terminal report of a result.json: step totals, bounds, where the cycles went, slowest
/// layers, memory against capacity, energy by component, area by part, assumptions that decide the
/// total. Aligned text of at most 100 columns; `colours` adds ANSI bold for headings and red for
/// what is wrong.
std::string terminal_report(const nlohmann::ordered_json& result, bool colours);

}  // namespace etude
