// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "sim/config/root_config.h"

namespace etude {

/// What a configuration has other than by default: a list of {"key", "value", "default"}, keys as
/// JSON pointers, files by the hash of their content; "default" is null where there is none. Of the
/// energy table its name alone.
nlohmann::ordered_json changed_keys(const RootConfig& config);

}  // namespace etude
