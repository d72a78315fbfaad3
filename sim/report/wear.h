// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "models/extmem/extmem_config.h"

namespace etude {

/// What a training step does to the flash.
struct FlashUseOfStep {
  std::uint64_t programmed_bytes = 0, pages = 0, sectors = 0;
  std::uint64_t most_worn = 0;  ///< erases of the sector that is erased most often
};

/// How long the flash lasts at a step of `step_s` seconds, one after the other, until a sector
/// reaches its rated erases: `fixed` if pages stay at the same sectors, as in a run, `rotated` if
/// erases are spread evenly over the whole device. Null for a step that erases nothing.
nlohmann::ordered_json wear_json(const FlashUseOfStep& use, const FlashConfig& flash,
                                 double step_s);

/// A sentence where continuous training wears the flash out within a day.
std::optional<std::string> wear_warning(const nlohmann::ordered_json& wear);

/// The lines of a report.
std::string wear_text(const nlohmann::ordered_json& wear);

}  // namespace etude
