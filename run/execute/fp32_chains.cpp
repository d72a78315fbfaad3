// SPDX-License-Identifier: Apache-2.0
#include "run/execute/fp32_chains.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>

#define ETUDE_CHAINS __attribute__((target("avx2,fma")))
#define ETUDE_CHAINS_INLINE __attribute__((target("avx2,fma"), always_inline)) inline
#endif

namespace etude::run {

void compute_chains_portable(const Fp32Chains& chains, float* z) {
  for (std::size_t row = 0; row < chains.rows; ++row) {
    for (std::size_t column = 0; column < chains.columns; ++column) {
      const std::size_t at = row * chains.columns + column;
      float acc = chains.y != nullptr ? chains.y[at] : 0.0f;
      for (std::size_t n = 0; n < chains.steps; ++n) {
        acc =
            std::fma(chains.x[row * chains.steps + n], chains.w[n * chains.columns + column], acc);
      }
      z[at] = chains.padded() ? std::fma(0.0f, 0.0f, acc) : acc;
    }
  }
}

#if defined(__x86_64__)
namespace {

/// `R` rows of at most eight columns; `mask` has all bits of each lane that there is.
template <unsigned R>
ETUDE_CHAINS_INLINE void block(const Fp32Chains& chains, std::size_t row, std::size_t column,
                               __m256i mask, float* z) {
  __m256 acc[R];
  const float* x[R];
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
    x[r] = chains.x + (row + r) * chains.steps;
    acc[r] = chains.y == nullptr
                 ? _mm256_setzero_ps()
                 : _mm256_maskload_ps(chains.y + (row + r) * chains.columns + column, mask);
  }
  const float* w = chains.w + column;
  for (std::size_t n = 0; n < chains.steps; ++n, w += chains.columns) {
    const __m256 weight = _mm256_maskload_ps(w, mask);
#pragma GCC unroll 8
    for (unsigned r = 0; r < R; ++r) {
      acc[r] = _mm256_fmadd_ps(_mm256_broadcast_ss(x[r] + n), weight, acc[r]);
    }
  }
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
    if (chains.padded()) {
      acc[r] = _mm256_fmadd_ps(_mm256_setzero_ps(), _mm256_setzero_ps(), acc[r]);
    }
    _mm256_maskstore_ps(z + (row + r) * chains.columns + column, mask, acc[r]);
  }
}

ETUDE_CHAINS void compute_with_vectors(const Fp32Chains& chains, float* z) {
  alignas(32) static constexpr std::int32_t kLanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  for (std::size_t column = 0; column < chains.columns; column += 8) {
    const std::size_t lanes = std::min<std::size_t>(chains.columns - column, 8);
    const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLanes + (8 - lanes)));
    std::size_t row = 0;
    for (; row + 8 <= chains.rows; row += 8) {
      block<8>(chains, row, column, mask, z);
    }
    for (; row < chains.rows; ++row) {
      block<1>(chains, row, column, mask, z);
    }
  }
}

}  // namespace
#endif

void compute_chains(const Fp32Chains& chains, float* z) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    compute_with_vectors(chains, z);
    return;
  }
#endif
  compute_chains_portable(chains, z);
}

}  // namespace etude::run
