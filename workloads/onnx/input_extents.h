// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "workloads/onnx/onnx_import.h"
#include "workloads/onnx/raw_model.h"

namespace etude::onnxio {

/// Gives every symbolic extent of the model's inputs its number. The samples' symbol is the one
/// that stands as a first extent alone and that `extents` does not name; it becomes the batch that
/// is given, else the first extent of the arrays, else 1. Returns the samples of a step: that
/// number, or where no extent is symbolic the first extent that all inputs share; nothing where
/// they differ.
/// Errors: UserError naming the input and the key to set for an extent without a number, for two
/// symbols either of which might be the samples', for arrays of different counts, and for a name
/// that no input has.
std::optional<std::uint64_t> take_extents(RawModel& model, const OnnxExtents& extents);

}  // namespace etude::onnxio
