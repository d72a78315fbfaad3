// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/operators/storage.h"
#include "kernels/include/etude_kernel_extents.h"
#include "models/base/types.h"
#include "workloads/codecs/packed_tensor.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {

/// How a frozen weight stands in memory: a matrix [rows, cols] of numbers, packed.
struct PackedWeight {
  StoredForm form;
  std::uint32_t rows = 0, cols = 0;

  std::uint32_t channels() const { return form.scale_per_row ? rows : cols; }
  /// Bytes of all numbers (rows from word to word) and of all scales.
  Bytes number_bytes() const;
  Bytes scale_bytes() const { return Bytes{4 * std::uint64_t{channels()}}; }
  bool operator==(const PackedWeight&) const = default;
};

/// By name of the parameter.
using PackedWeights = std::map<std::string, PackedWeight>;

/// A frozen weight whose every reader multiplies by it, so that its tiles can be decoded where they
/// come into L1.
struct DecodableWeight {
  TensorId tensor{};
  std::uint32_t rows = 0, cols = 0;  ///< as a matrix; products see it like that or transposed
  bool outputs_are_rows = false;     ///< the channels of the layer's result are its rows
};

/// The frozen weights of a step that can be decoded tile by tile, in order of their tensors. Not
/// among them: what other operators read, too, and factors of a product that is compared with its
/// target tile by tile, because the tiles decide the loss's last bit.
std::vector<DecodableWeight> decodable_weights(const Graph& graph, const StoragePlan& storage);

/// `packed` by tensor. Errors: UserError naming a parameter that is none, cannot be decoded by tile
/// or has other extents, or a form without a kernel.
std::map<TensorId, PackedWeight> packed_tensors(const Graph& graph, const StoragePlan& storage,
                                                const PackedWeights& packed);

/// The kernel that decodes a form, to FP32 or to FP16. Errors: std::logic_error if there is none.
etude_kernel decode_kernel(const StoredForm& form, bool to_half);

}  // namespace etude::compiler
