// SPDX-License-Identifier: Apache-2.0
// Kernels of batch normalisation: sums, vectors and maps per channel.
#include <bit>

#include "compiler/tape/l1_access.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

namespace {

Access block_access(const ChannelBlock& block, bool write) {
  return l1_vector(block.address, block.elements(), write);
}

}  // namespace

void Tape::channel_sums(const ChannelBlock& x, std::uint32_t mean, std::uint32_t dst,
                        bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_CHANNEL_SUMS>({.src = x.address,
                                                    .mean = mean,
                                                    .dst = dst,
                                                    .samples = x.samples,
                                                    .channels = x.channels,
                                                    .cols = x.cols,
                                                    .accumulate = accumulate ? 1u : 0u});
  made.accesses = {block_access(x, false), l1_vector(dst, x.channels, true)};
  if (mean != 0) {
    made.accesses.push_back(l1_vector(mean, x.channels, false));
  }
}

void Tape::channel_products(const ChannelBlock& x, const ChannelBlock& dy, std::uint32_t mean,
                            std::uint32_t rstd, std::uint32_t dbeta, std::uint32_t dgamma,
                            bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_CHANNEL_PRODUCTS>({.x = x.address,
                                                        .dy = dy.address,
                                                        .mean = mean,
                                                        .rstd = rstd,
                                                        .dbeta = dbeta,
                                                        .dgamma = dgamma,
                                                        .samples = x.samples,
                                                        .channels = x.channels,
                                                        .cols = x.cols,
                                                        .accumulate = accumulate ? 1u : 0u});
  made.accesses = {block_access(x, false), block_access(dy, false)};
  for (const std::uint32_t vector : {mean, rstd, dbeta, dgamma}) {
    made.accesses.push_back(l1_vector(vector, x.channels, vector == dbeta || vector == dgamma));
  }
}

void Tape::affine_pair(const ChannelBlock& a, const ChannelBlock& b, const ChannelBlock& y,
                       std::uint32_t scale_a, std::uint32_t scale_b, std::uint32_t shift) {
  PlanOp& made = kernel<ETUDE_KERNEL_AFFINE_PAIR>({.a = a.address,
                                                   .b = b.address,
                                                   .y = y.address,
                                                   .scale_a = scale_a,
                                                   .scale_b = scale_b,
                                                   .shift = shift,
                                                   .rows = a.samples * a.channels,
                                                   .cols = a.cols,
                                                   .channels = a.channels});
  made.accesses = {block_access(a, false), block_access(b, false), block_access(y, true)};
  for (const std::uint32_t vector : {scale_a, scale_b, shift}) {
    made.accesses.push_back(l1_vector(vector, a.channels, false));
  }
}

void Tape::affine_mask(const ChannelBlock& x, const ChannelBlock& dy, std::uint32_t scale,
                       std::uint32_t shift) {
  PlanOp& made = kernel<ETUDE_KERNEL_AFFINE_MASK>({.x = x.address,
                                                   .dy = dy.address,
                                                   .dst = dy.address,
                                                   .scale = scale,
                                                   .shift = shift,
                                                   .rows = x.samples * x.channels,
                                                   .cols = x.cols,
                                                   .channels = x.channels});
  made.accesses = {block_access(x, false), block_access(dy, true),
                   l1_vector(scale, x.channels, false), l1_vector(shift, x.channels, false)};
}

void Tape::batchnorm_scales(const NormVectors& v, std::uint32_t channels, float factor,
                            float epsilon) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_BATCHNORM_SCALES>({.gamma = v.gamma,
                                             .beta = v.beta,
                                             .mean = v.mean,
                                             .variance = v.variance,
                                             .scale = v.scale,
                                             .shift = v.shift,
                                             .rstd = v.rstd,
                                             .channels = channels,
                                             .factor = std::bit_cast<std::uint32_t>(factor),
                                             .epsilon = std::bit_cast<std::uint32_t>(epsilon)});
  for (const std::uint32_t vector : {v.gamma, v.beta, v.mean, v.variance}) {
    if (vector != 0) {
      made.accesses.push_back(l1_vector(vector, channels, false));
    }
  }
  for (const std::uint32_t vector : {v.scale, v.shift, v.rstd}) {
    if (vector != 0) {
      made.accesses.push_back(l1_vector(vector, channels, true));
    }
  }
}

void Tape::batchnorm_slopes(const NormVectors& v, std::uint32_t dbeta, std::uint32_t dgamma,
                            std::uint32_t scale_x, std::uint32_t channels, float inverse) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_BATCHNORM_SLOPES>({.gamma = v.gamma,
                                             .mean = v.mean,
                                             .rstd = v.rstd,
                                             .dbeta = dbeta,
                                             .dgamma = dgamma,
                                             .scale_dy = v.scale,
                                             .scale_x = scale_x,
                                             .shift = v.shift,
                                             .channels = channels,
                                             .inverse = std::bit_cast<std::uint32_t>(inverse)});
  for (const std::uint32_t vector : {v.gamma, v.mean, v.rstd, dbeta, dgamma}) {
    made.accesses.push_back(l1_vector(vector, channels, false));
  }
  for (const std::uint32_t vector : {v.scale, scale_x, v.shift}) {
    made.accesses.push_back(l1_vector(vector, channels, true));
  }
}

}  // namespace etude::compiler
