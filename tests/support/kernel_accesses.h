// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/kernel_host.h"

namespace etude::test {

/// Floats that a kernel reads or writes: `rows` of `cols`, `pitch` apart.
struct KernelAccess {
  bool write;
  std::uint32_t address, rows, cols, pitch;
};

/// What a kernel touches, from the words of its operation (number, then arguments): written down
/// from kernels/include/etude_kernels.h, independently of the lowering.
/// Throws std::runtime_error for a kernel that is not written down.
std::vector<KernelAccess> accesses_of(const std::uint32_t* words);

/// The kernel compiled for this machine. Throws std::runtime_error as above.
KernelFunction function_of(std::uint32_t kernel);

}  // namespace etude::test
