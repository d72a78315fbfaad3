// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/kernel_accesses.h"

namespace etude::test {

/// The part of kernel_accesses.h for kernels on images [channels, height, width].
bool is_image_kernel(std::uint32_t kernel);
std::vector<KernelAccess> image_accesses_of(const std::uint32_t* words);

}  // namespace etude::test
