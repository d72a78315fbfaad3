// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// IEEE half precision of a value, rounded to nearest even; infinity beyond 65519.99.
std::uint16_t half_bits(float value);
/// The value of IEEE half precision, exactly.
float half_value(std::uint16_t bits);

}  // namespace etude
