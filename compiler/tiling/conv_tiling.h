// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/tiling/gemm_tiling.h"
#include "compiler/tiling/image_geometry.h"
#include "compiler/tiling/tiling_limits.h"

namespace etude::compiler {

/// The three products of a convolution, per group of channels: with columns [C*taps, pixels] of x,
///   forward       Y[O, pixels]       = W[O, C*taps] columns
///   weight grad.  dW[O, C*taps]      = dY[O, pixels] columns^T (the cores make the transpose:
///   rows) input grad.   dcols[C*taps, pix] = W^T dY[O, pixels], added up into dX
struct ConvProblem {
  enum class Product { kForward, kGradWeight, kGradInput };
  Product product = Product::kForward;
  GemmProblem::Unit unit = GemmProblem::Unit::kCores;
  ImageGeometry image;        ///< `channels` are one group's
  std::uint32_t outputs = 1;  ///< of one group
  std::uint32_t groups = 1;
  bool x_resident = false;   ///< the image stands in L1
  bool dy_resident = false;  ///< the gradient does
  bool w_resident = false;   ///< the weight does (updates: and is written there)
  bool half = false;         ///< forward: RedMulE works in FP16 on operands that the cores convert
  bool epilogue = false;     ///< bias or activation: a kernel over each tile of the result (of an
                             ///< input gradient, which is a transposed convolution then: a bias)
  bool sgd = false;          ///< the weight's gradient updates it
  bool store = true;         ///< the result goes to L2
  std::optional<PackedTiles> packed = {};  ///< how the weight is stored, if not in FP32
  bool outputs_first = false;  ///< only tilings with strips inside several tiles of outputs

  std::uint32_t inner() const { return image.channels * image.taps(); }
};

/// Tile sizes of one product of a convolution.
struct ConvTiling {
  std::uint32_t outputs = 0, channels = 0;  ///< of a tile of W
  std::uint32_t rows = 0, samples = 1;      ///< of a strip (image_geometry.h)
  bool outputs_outer = false;               ///< forward: strips inside the tiles of outputs
  bool keep = false;                        ///< the whole result stays in L1
  bool double_buffer = true;
  std::uint32_t update_rows = 0;  ///< rows of W per update
  Bytes l1_bytes;
  Cycle cycles{};  ///< modelled

  std::uint32_t pixels(const ConvProblem& p) const { return samples * rows * p.image.out_width; }
  std::uint32_t copies(std::uint32_t tiles) const { return tiles < 2 || !double_buffer ? 1u : 2u; }
};

/// How often a tiling cuts each direction.
struct ConvCounts {
  ConvCounts(const ConvProblem& problem, const ConvTiling& tiling);
  std::uint32_t outputs, channels, rows, samples;
  std::uint32_t strips() const { return rows * samples; }
};

/// Bytes of L1 that a tiling needs.
Bytes l1_bytes(const ConvProblem& problem, const ConvTiling& tiling, const RedmuleConfig& redmule);

/// The tiling with the least modelled time within the limits. A fixed m, n, k are rows, reduction
/// and columns of the product above; reductions and columns over taps are rounded to whole
/// channels. Errors: UserError naming the operator, its smallest (or the fixed) tile and the bytes
/// missing.
ConvTiling choose_conv_tiling(const std::string& name, const ConvProblem& problem,
                              const TilingLimits& limits, const TimingSource& timing,
                              const RedmuleConfig& redmule);

/// Whether the array may write a tile of the result where it stands in the whole one.
bool writes_in_place(const ConvProblem& problem, const ConvTiling& tiling,
                     const RedmuleConfig& redmule);

}  // namespace etude::compiler
