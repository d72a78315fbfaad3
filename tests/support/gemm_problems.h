// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/tiling/gemm_tiling.h"
#include "sim/config/platform_config.h"

/// Products and units that the tests of tiles share.
namespace etude::test::gemm {

using Unit = compiler::GemmProblem::Unit;

/// An array of 4 x 12 elements with three registers each: 4 * (3 + 1) = 16 columns.
inline RedmuleConfig array(RedmuleConfig::Format format = RedmuleConfig::Format::kFp32) {
  RedmuleConfig config;
  config.format = format;
  config.height = 4;
  config.width = 12;
  config.pipe = 3;
  return config;
}

/// Eight cores beside it.
inline PlatformConfig platform() {
  PlatformConfig made;
  made.cluster.cores = 8;
  made.cluster.redmule = array();
  return made;
}

/// Z[m,k] = X[m,n] W[n,k], alone.
inline compiler::GemmProblem problem(Unit unit, std::uint32_t m, std::uint32_t n, std::uint32_t k) {
  compiler::GemmProblem p;
  p.unit = unit;
  p.m = m;
  p.n = n;
  p.k = k;
  return p;
}

/// One tile.
inline compiler::GemmTiling whole(const compiler::GemmProblem& p) { return {p.m, p.n, p.k}; }

}  // namespace etude::test::gemm
