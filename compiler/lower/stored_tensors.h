// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/tape/tape.h"
#include "program/stored_tensor.h"

namespace etude::compiler {

/// What a tape whose memory is planned stores outside L1, by ObjectId.
std::vector<StoredTensor> stored_tensors(const Tape& tape, const Graph& graph);

}  // namespace etude::compiler
