// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace etude {

/// Element types of arrays in files.
enum class NpyType { kFloat32, kFloat64, kInt64 };

/// One array as numpy stores it: little endian, C order.
struct NpyArray {
  NpyType type = NpyType::kFloat32;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint8_t> bytes;

  /// Product of the shape (1 for a scalar).
  std::uint64_t elements() const;
  /// All elements as float (rounded to nearest if the array is wider).
  std::vector<float> as_float32() const;
  /// All elements as double.
  std::vector<double> as_float64() const;

  static NpyArray from_float32(std::vector<std::uint64_t> shape, const std::vector<float>& values);
  static NpyArray from_float64(std::vector<std::uint64_t> shape, const std::vector<double>& values);
};

/// The members of an .npz archive by name, without the suffix ".npy".
using NpzArchive = std::map<std::string, NpyArray>;

/// Reads a numpy .npz archive (zip of .npy files, header version 1 to 3, float32, float64 or int64,
/// little endian, C order).
/// Errors: UserError naming the file, and the member where one is broken.
NpzArchive read_npz(const std::filesystem::path& file);

/// An archive that numpy.load reads, as the bytes of its file. Members are stored in name order,
/// uncompressed and with a fixed time, so that equal arrays give equal bytes.
std::string npz_bytes(const NpzArchive& archive);

/// Writes npz_bytes to a file. Errors: UserError naming the file.
void write_npz(const std::filesystem::path& file, const NpzArchive& archive);

}  // namespace etude
