// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "workloads/npz/npz.h"

namespace etude {

/// What stands in front of the data of a .npy file (numpy.lib.format).
struct NpyHeader {
  NpyType type = NpyType::kFloat32;
  std::vector<std::uint64_t> shape;
  std::size_t data_offset = 0;  ///< set by parse_npy_header
  bool fortran_order = false;   ///< the first extent runs fastest
};

/// Parses magic, version (1 to 3) and the dictionary. Errors: UserError at `where`.
NpyHeader parse_npy_header(const std::vector<std::uint8_t>& bytes, const std::string& where);

/// The header in version 1.0 and C order, padded so that the data starts at a multiple of 64 bytes.
std::vector<std::uint8_t> format_npy_header(const NpyHeader& header);

}  // namespace etude
