// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace etude {

/// configs/README.md: every key with type, unit, range, default and source, from the declarations.
std::string config_readme();

/// JSON Schema (draft 2020-12) by file name: config.json is the root, which refers to one file per
/// section.
std::map<std::string, std::string> config_schemas();

}  // namespace etude
