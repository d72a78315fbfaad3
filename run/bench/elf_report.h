// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "run/bench/elf.h"

namespace etude::run {

/// The terminal report of a program: cycles, then by core instructions, IPC and the largest stalls,
/// what DMA and RedMulE were busy, the functions that took most cycles, regions. `file` is the
/// program's.
std::string program_report(const ProgramResult& result, const std::string& file);

}  // namespace etude::run
