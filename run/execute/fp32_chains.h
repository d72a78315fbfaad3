// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace etude::run {

/// A product in RedMulE's FP32 arithmetic: of each element of Z[rows, columns] one chain,
/// acc = Y; for n ascending: acc = fma(X[row, n], W[n, column], acc), then one fma(0, 0, acc) if
/// `steps` is no multiple of the array's height. All row-major and dense.
struct Fp32Chains {
  const float* x = nullptr;  ///< rows x steps
  const float* w = nullptr;  ///< steps x columns
  const float* y = nullptr;  ///< rows x columns; null: zero
  std::size_t rows = 0, steps = 0, columns = 0;
  unsigned height = 1;

  bool padded() const { return steps % height != 0; }
};

/// Writes Z, with vector instructions where the host has them (AVX2 and FMA). Both ways give equal
/// bits; which NaN a result is may differ.
void compute_chains(const Fp32Chains& chains, float* z);
/// The same by fused multiply-adds of the C library.
void compute_chains_portable(const Fp32Chains& chains, float* z);

}  // namespace etude::run
