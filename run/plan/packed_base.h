// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "compiler/operators/packed_weights.h"
#include "program/memory_image.h"
#include "program/program.h"
#include "sim/config/root_config.h"
#include "workloads/codecs/packed_archive.h"
#include "workloads/networks/initial.h"

namespace etude::run {

/// The frozen weights of a step that stand packed, by tensor.
using PackedBase = std::map<TensorId, PackedTensor>;

/// Refuses what of /compress no step does yet. Errors: UserError naming the key.
void check_packed(const RootConfig& config);

/// Packs the weights that the configuration wants packed and that are decoded tile by tile, and
/// puts what is decoded of them in the place of their values; the others stay in FP32. Errors:
/// UserError for /compress/tensors/NAME of a weight that cannot be decoded so, for values that are
/// not finite, and for what is not available beside packed weights.
PackedBase pack_base(const RootConfig& config, const Graph& graph, StartValues& values);

/// The same of an archive that is packed, which has the forms; weights that are not decoded tile by
/// tile stay in FP32. Errors: UserError naming what of its forms, or beside it, is not available.
PackedBase archived_base(const RootConfig& config, const Graph& graph, PackedArchive archive);

/// How they stand, by name.
compiler::PackedWeights packed_weights(const PackedBase& base, const Graph& graph);

/// What stands in L2 of them.
std::vector<MemoryImage> packed_images(const Program& program, const PackedBase& base);

/// What stands packed (name, numbers, whose scales, extents, bytes with scales and in FP32), the
/// sums of these bytes, and the names of frozen weights that stay in FP32.
nlohmann::json packed_json(const PackedBase& base, const Graph& graph);

/// A packed weight as a memory has it, with the form and extents of `stored`.
PackedTensor packed_from(const PackedTensor& stored, const std::vector<std::uint8_t>& numbers,
                         const std::vector<std::uint8_t>& scales);

}  // namespace etude::run
