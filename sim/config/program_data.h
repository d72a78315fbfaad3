// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace etude {

/// Where `relative` (kernels/..., configs/...) of the running program is: beside it, as in a build
/// folder, else in share/etude of the prefix whose bin/ it stands in. The first place if neither
/// has it, so that a message can name it.
std::filesystem::path program_data(const std::string& relative);

}  // namespace etude
