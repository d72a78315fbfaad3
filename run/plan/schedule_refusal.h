// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace etude::run {

/// The line that says why an answer of schedule_step() without a schedule has none, and what would
/// do.
std::string refusal_of(const nlohmann::ordered_json& answer);

}  // namespace etude::run
