// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude::redmule {

/// The arithmetic of one tile of Z. Values of fp16 arrays are floats that hold binary16 values.
/// For n = 0 .. steps-1, ascending, and for each row r and column c:
///   acc[r][c] = op(x[r][n], w[n][c], acc[r][c]), rounded to the array's format.
struct TileWork {
  unsigned rows = 0;     ///< L
  unsigned columns = 0;  ///< D, rounded up to a multiple of 8
  std::uint32_t steps = 0;
  const float* x = nullptr;
  std::uint32_t x_stride = 0;  ///< floats between rows of x
  const float* w = nullptr;    ///< `columns` floats per step
  float* acc = nullptr;        ///< `columns` floats per row
};

/// Arithmetic of a job: the two stages of a compute element.
enum class TileOp : std::uint8_t { kFma, kAddMax, kAddMin, kMulMax, kMulMin, kMaxMin, kMinMax };

using TileKernel = void (*)(const TileWork&);

/// True if the host has what the vector kernels need (AVX2, FMA, F16C).
bool host_has_vectors();
/// The kernel for an operation; `vectors` must be false on hosts without them. Both give equal
/// bits.
TileKernel tile_kernel(TileOp op, bool fp32, bool vectors);

namespace vector {
void fma_fp16(const TileWork& work);
void fma_fp32(const TileWork& work);
/// `n` halves (little endian, at any address) to floats, and back with NaN made canonical; `n` is a
/// multiple of 8.
void halves_to_floats(const std::uint8_t* in, float* out, unsigned n);
void floats_to_halves(const float* in, std::uint16_t* out, unsigned n);
}  // namespace vector

}  // namespace etude::redmule
