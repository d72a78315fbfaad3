// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "program/memory_figures.h"

namespace etude {

/// `memory` of result.json and of descriptions: bytes by name.
nlohmann::ordered_json memory_json(const MemoryFigures& memory);

}  // namespace etude
