// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/base/types.h"
#include "sim/config/platform_config.h"

namespace etude::compiler {

/// What an operation of the task list costs on its own unit, in cluster cycles, by closed forms.
/// It serves to choose tiles and an order; only the simulator says what a step really takes.
/// Sources: docs/compiler.md.
class CostModel {
 public:
  explicit CostModel(const PlatformConfig& platform);

  /// One RedMulE job Z[m,k] = X[m,n] W[n,k], from post to done.
  Cycle redmule(std::uint64_t m, std::uint64_t n, std::uint64_t k) const;
  /// Beats of its wide port in that job, each of which takes all banks for a cycle.
  std::uint64_t redmule_beats(std::uint64_t m, std::uint64_t n, std::uint64_t k) const;
  /// A matrix multiplication of that size by all cores.
  Cycle core_gemm(std::uint64_t m, std::uint64_t n, std::uint64_t k) const;
  /// A kernel that spends `cycles_per_element` of one core on each of `elements`.
  Cycle core_kernel(std::uint64_t elements, double cycles_per_element) const;
  /// Columns of an image: `lines` lines of out_height runs of out_width pixels.
  Cycle im2col(std::uint64_t lines, std::uint64_t out_height, std::uint64_t out_width) const {
    return core_kernel(lines * out_height * out_width, kIm2col) +
           core_kernel(lines * out_height, kIm2colRun) - core_kernel(0, 0);
  }
  /// The same of a kernel that gives whole rows to the cores.
  Cycle core_rows(std::uint64_t rows, std::uint64_t cols, double cycles_per_element) const;
  /// A transfer of the cluster DMA between L1 and L2.
  Cycle dma(std::uint64_t rows, Bytes row_bytes, bool to_l1) const;
  /// A transfer of the SoC DMA between L2 and HyperRAM.
  Cycle soc_dma(Bytes bytes) const;

  /// What DMA and cores take longer beside RedMulE, on average.
  static constexpr double kContention = 1.6;
  /// Cycles that the controller spends on one operation and its wait (assumed).
  static constexpr Cycle kPost{250};

  /// Cycles between the end of one operation and the start of the one that waits for it (assumed).
  static constexpr Cycle kHandOver{150};

  /// Cycles of one core per element of a kernel (loads, stores, arithmetic of its inner loop).
  static constexpr double kTranspose = 4.0;
  static constexpr double kRelu = 3.0;
  static constexpr double kReluGrad = 4.5;
  static constexpr double kAdd = 4.0;
  static constexpr double kCopy = 2.2;
  static constexpr double kConvert = 3.5;
  static constexpr double kSgd = 5.0;
  static constexpr double kMse = 8.0;
  static constexpr double kColumnSum = 2.5;
  static constexpr double kFill = 1.5;
  static constexpr double kIm2col = 2.2;
  static constexpr double kIm2colRun = 8;  ///< per output row of a line
  static constexpr double kIm2row = 2.8;
  static constexpr double kCol2im = 3.6;
  static constexpr double kPool = 2.5;  ///< per pixel of a window
  static constexpr double kPoolGrad = 7.0;
  static constexpr double kAffineRows = 4.2;
  static constexpr double kRowSum = 2.3;
  static constexpr double kDepthwise = 3.5;  ///< per product
  static constexpr double kChannelProducts = 5.2;
  static constexpr double kAffinePair = 5.7;
  static constexpr double kAffineMask = 6.2;
  static constexpr double kNormVector = 60;  ///< per channel: root, division
  static constexpr double kDiv = 22.0;       ///< one divider, 19 cycles each
  static constexpr double kGelu = 20.0;
  static constexpr double kGeluGrad = 41.0;
  static constexpr double kSigmoid = 44.0;
  static constexpr double kSigmoidGrad = 12.0;
  static constexpr double kTanh = 41.0;
  static constexpr double kTanhGrad = 10.5;
  static constexpr double kLayerNorm = 13.5;
  static constexpr double kLayerNormGrad = 22.0;
  static constexpr double kLayerNormStats = 6.0;
  static constexpr double kLayerNormAffineGrad = 7.5;
  static constexpr double kSoftmax = 21.5;
  static constexpr double kSoftmaxGrad = 15.0;
  static constexpr double kCrossEntropy = 70.0;
  static constexpr double kMomentum = 10.4;
  static constexpr double kAdam = 45.0;

 private:
  RedmuleConfig redmule_;
  double cores_;
  std::uint64_t l2_latency_;
  bool mchan_;
  double extmem_bytes_per_cycle_;
  double extmem_burst_cycles_;
  double extmem_burst_bytes_;
};

}  // namespace etude::compiler
