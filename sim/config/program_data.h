// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace etude {

/// The folder of the file that this code was loaded from: the running program, or a module that a
/// program like Python has loaded.
std::filesystem::path program_folder();

/// Where `relative` (kernels/..., configs/...) of program_folder() is: beside it, as in a build
/// folder, else in share/etude of the prefix whose bin/ it stands in. The first place if neither
/// has it, so that a message can name it.
std::filesystem::path program_data(const std::string& relative);

}  // namespace etude
