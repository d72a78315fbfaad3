// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/redmule/plan.h"

namespace etude {

/// Operands of a chain replay as they stand in memory: X[M,N], W[N,K], Y[M,K], row-major and dense
/// with 2 bytes per element (fp16 arrays, 8-bit formats packed in the first half of every block of
/// D columns, as the RTL packs them) or 4 (fp32). `y` may be null: zero.
struct ChainOperands {
  const std::uint8_t* x = nullptr;
  const std::uint8_t* w = nullptr;
  const std::uint8_t* y = nullptr;
};

/// Recomputes a RedMulE job on the host, independently of the model (double arithmetic rounded once
/// to the format, where the model uses float arithmetic): writes M x K elements to `z`, in the same
/// layout as Y. For every element acc = Y (or 0 for MATMUL), then for n = 0 .. Np-1 ascending
/// acc = op(x[m][n], w[n][k], acc); the steps from N to Np = N rounded up to the array's height use
/// x = w = 0. Source: reference RTL 51cd064, numerics measured bit-exact. Only m, n, k, op and
/// format of `job` count.
void replay_chain(const RedmuleJob& job, const RedmuleConfig& config, const ChainOperands& operands,
                  std::uint8_t* z);

/// The same without vector instructions (for tests); equal bits.
void replay_chain_portable(const RedmuleJob& job, const RedmuleConfig& config,
                           const ChainOperands& operands, std::uint8_t* z);

}  // namespace etude
