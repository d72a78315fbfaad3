// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sim/config/root_config.h"

namespace etude {

/// Reads a root configuration file, applies each "/json/pointer=VALUE" of `sets` (VALUE is JSON,
/// else a string; it reaches into files that the configuration names), checks every key against its
/// declaration and fills in defaults. Keys that do not count here are named in `warnings`.
/// Throws UserError with the JSON path, the value and what is allowed.
RootConfig load_config(const std::string& path, const std::vector<std::string>& sets,
                       std::vector<std::string>& warnings);

/// Checks every key and value as load_config() does, but not whether they fit together: for a
/// configuration that is still being changed. Errors: UserError.
void check_keys(const std::string& path, const std::vector<std::string>& sets);

/// The same for a platform alone, as if `path` stood at /platform; pointers in `sets` begin with
/// /platform. An empty path means the built-in defaults.
PlatformConfig load_platform(const std::string& path, const std::vector<std::string>& sets);
PlatformConfig load_platform(const std::string& path, const std::vector<std::string>& sets,
                             std::vector<std::string>& warnings);

/// Platform and energy table of a resolved file that a run left behind; `sets` as above, below
/// /energy or /platform. Nothing else of the file is looked at.
RootConfig load_for_pricing(const std::string& resolved, const std::vector<std::string>& sets);

/// A platform as its section of the resolved file, and back.
std::string resolved_platform(const PlatformConfig& platform);
PlatformConfig platform_of_resolved(const std::string& text);

/// Throws UserError for values that are each allowed, but not together.
void check_combinations(const RootConfig& config);
void check_combinations(const PlatformConfig& platform);

/// SHA-256 of the file that the key `pointer` names, together with its parts
/// (RootConfig::parts) where it has some.
std::string file_hash(const RootConfig& config, const std::string& pointer,
                      const std::string& file);

/// Every parameter with its value, as JSON text (two spaces, final newline). Files stand as the
/// SHA-256 of what they contain, never by name, so that the text is the same on any machine.
std::string resolved_json(const RootConfig& config);

/// SHA-256 of resolved_json: equal for runs that must give equal results.
std::string config_hash(const RootConfig& config);

}  // namespace etude
