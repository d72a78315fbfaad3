// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "program/memory_image.h"
#include "program/program.h"

namespace etude::test {

/// FNV-1a over all that a program is: task list, places, probes, buffers, figures, warnings. Equal
/// programs have equal ones.
std::uint64_t digest_of(const Program& program);
std::uint64_t digest_of(const std::vector<MemoryImage>& images);

}  // namespace etude::test
