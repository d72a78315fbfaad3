// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude::compiler {

/// Pieces of `b` that cover `a`.
constexpr std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }
/// The least multiple of `b` that is not below `a`.
constexpr std::uint32_t round_up(std::uint32_t a, std::uint32_t b) { return ceil_div(a, b) * b; }

}  // namespace etude::compiler
