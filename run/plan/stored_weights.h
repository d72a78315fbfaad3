// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sim/config/root_config.h"
#include "workloads/npz/npz.h"

namespace etude::run {

/// Refuses what /compress asks for and no step does yet, so that no key is ignored.
/// Errors: UserError naming the key.
void refuse_compression(const RootConfig& config);

/// Refuses an archive of packed parameters as a start, for the same reason. Errors: UserError naming
/// `file`.
void refuse_packed(const NpzArchive& archive, const std::string& file);

}  // namespace etude::run
