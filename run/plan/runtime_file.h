// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace etude::run {

/// The program that the cores run. Errors: UserError if it is not built.
std::filesystem::path runtime_file();

}  // namespace etude::run
