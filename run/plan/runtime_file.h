// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace etude::run {

/// The program that the cores run, for a step that decodes weights the one with kernels for that.
/// Errors: UserError if it is not built.
std::filesystem::path runtime_file(bool decodes = false);

}  // namespace etude::run
