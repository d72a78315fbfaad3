// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude::chain {

/// acc[c] = round(x[n] * w[n][c] + acc[c]) for n = 0 .. steps-1 and c = 0 .. columns-1, all values
/// exact in double, rounded once to binary16 (or binary32 if `fp32`). `columns` is a multiple of 4.
void fma_row_avx2(const double* x, const double* w, double* acc, std::uint32_t steps,
                  std::uint32_t columns, bool fp32);
bool host_has_avx2();

}  // namespace etude::chain
