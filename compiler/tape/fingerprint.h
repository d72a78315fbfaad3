// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/tape/tape.h"

namespace etude::compiler {

/// A hash of everything that decides how a tape is placed and ordered: operations with their bytes,
/// modelled cycles and stages. Two equal tapes have equal fingerprints.
std::uint64_t fingerprint(const Tape& tape);

}  // namespace etude::compiler
