// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "workloads/codecs/packed_tensor.h"
#include "workloads/npz/npz.h"

namespace etude {

/// Parameters of a network, some of them packed: what a .npz holds that `etude compress` writes.
/// A packed parameter NAME is the member "packed/NAME", uint8: 32-bit words, little endian, of
///   0x31545045; number | code << 8 | scale_per_row << 16; rank and extents;
///   how many scales, bytes of row lengths, code lengths and bytes of numbers there are; and then
///   these, each from a word on. Row lengths are words, seven bits a byte, the lower ones first,
///   bit 7 where more follow.
/// Member "packed" is the record, uint8: text, JSON by convention. All other members are arrays.
struct PackedArchive {
  NpzArchive plain;                                          ///< parameters as they are
  std::map<std::string, PackedTensor> packed;                ///< by parameter name
  std::map<std::string, std::vector<std::uint64_t>> shapes;  ///< extents of the packed ones
  std::string record;  ///< how the archive was made, and the accuracy before and after
};

/// Rows and columns of a tensor of such extents in a form (PackedTensor). Errors: UserError naming
/// `where` for extents that 32 bits do not hold.
std::pair<std::uint32_t, std::uint32_t> matrix_of(const std::vector<std::uint64_t>& shape,
                                                  bool scale_per_row, const std::string& where);

/// Whether an archive holds packed parameters.
bool is_packed(const NpzArchive& archive);

/// The parts of an archive that is_packed(), each packed tensor decoded once to see that it is
/// whole. Errors: UserError naming `where` (a file) and the parameter that is damaged or there
/// twice.
PackedArchive read_packed(const NpzArchive& archive, const std::string& where);

/// The members that read_packed() takes; equal archives give equal members. Errors: UserError for a
/// plain parameter whose name would be taken for a packed one, std::logic_error for a packed one
/// without its extents.
NpzArchive packed_members(const PackedArchive& archive);

/// All parameters in FP32, the packed ones decoded.
NpzArchive decoded(const PackedArchive& archive);

}  // namespace etude
