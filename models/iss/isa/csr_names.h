// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace etude::isa {

/// The name of CSR `number` as assemblers write it, or its number in decimal.
std::string csr_name(std::uint32_t number);

}  // namespace etude::isa
