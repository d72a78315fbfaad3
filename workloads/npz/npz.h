// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace etude {

/// Element types of arrays in files.
enum class NpyType {
  kFloat32,
  kFloat64,
  kFloat16,
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64
};
/// The name that numpy gives the type ("float16").
const char* name_of(NpyType type);
std::size_t bytes_of(NpyType type);

/// One array: little endian, C order.
struct NpyArray {
  NpyType type = NpyType::kFloat32;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint8_t> bytes;

  /// Product of the shape (1 for a scalar).
  std::uint64_t elements() const;
  /// All elements as float (rounded to nearest if the array is wider).
  std::vector<float> as_float32() const;
  /// All elements as float. Errors: UserError at `where` for one that no float32 holds.
  std::vector<float> exact_float32(const std::string& where) const;
  /// All elements as double.
  std::vector<double> as_float64() const;

  static NpyArray from_float32(std::vector<std::uint64_t> shape, const std::vector<float>& values);
  static NpyArray from_float64(std::vector<std::uint64_t> shape, const std::vector<double>& values);
};

/// The members of an .npz archive by name, without the suffix ".npy".
using NpzArchive = std::map<std::string, NpyArray>;

/// Reads a numpy .npz archive (zip of .npy files, header version 1 to 3, the types above, little
/// endian; Fortran order becomes C order).
/// Errors: UserError naming the file, and the member where one is broken.
NpzArchive read_npz(const std::filesystem::path& file);

/// An archive that numpy.load reads, as the bytes of its file. Members are stored in name order,
/// uncompressed and with a fixed time, so that equal arrays give equal bytes.
std::string npz_bytes(const NpzArchive& archive);

/// Writes npz_bytes to a file. Errors: UserError naming the file.
void write_npz(const std::filesystem::path& file, const NpzArchive& archive);

}  // namespace etude
