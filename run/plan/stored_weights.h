// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/config/root_config.h"

namespace etude::run {

/// Refuses what /compress asks for and no step does yet, so that no key is ignored.
/// Errors: UserError naming the key.
void refuse_compression(const RootConfig& config);

/// Refuses /compress/home, decode and decoder where no weight is packed. Errors: UserError naming
/// the key.
void refuse_alone(const RootConfig& config);

}  // namespace etude::run
