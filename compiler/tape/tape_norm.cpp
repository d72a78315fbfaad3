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

void Tape::channel_sums(const ChannelBlock& x, Address mean, Address dst, bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_CHANNEL_SUMS>({.src = x.address.raw(),
                                                    .mean = mean.raw(),
                                                    .dst = dst.raw(),
                                                    .samples = x.samples,
                                                    .channels = x.channels,
                                                    .cols = x.cols,
                                                    .accumulate = accumulate ? 1u : 0u});
  made.accesses = {block_access(x, false), l1_vector(dst, x.channels, true)};
  if (mean != Address{}) {
    made.accesses.push_back(l1_vector(mean, x.channels, false));
  }
}

void Tape::channel_products(const ChannelBlock& x, const ChannelBlock& dy, Address mean,
                            Address rstd, Address dbeta, Address dgamma, bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_CHANNEL_PRODUCTS>({.x = x.address.raw(),
                                                        .dy = dy.address.raw(),
                                                        .mean = mean.raw(),
                                                        .rstd = rstd.raw(),
                                                        .dbeta = dbeta.raw(),
                                                        .dgamma = dgamma.raw(),
                                                        .samples = x.samples,
                                                        .channels = x.channels,
                                                        .cols = x.cols,
                                                        .accumulate = accumulate ? 1u : 0u});
  made.accesses = {block_access(x, false), block_access(dy, false)};
  for (const Address vector : {mean, rstd, dbeta, dgamma}) {
    made.accesses.push_back(l1_vector(vector, x.channels, vector == dbeta || vector == dgamma));
  }
}

void Tape::affine_pair(const ChannelBlock& a, const ChannelBlock& b, const ChannelBlock& y,
                       Address scale_a, Address scale_b, Address shift) {
  PlanOp& made = kernel<ETUDE_KERNEL_AFFINE_PAIR>({.a = a.address.raw(),
                                                   .b = b.address.raw(),
                                                   .y = y.address.raw(),
                                                   .scale_a = scale_a.raw(),
                                                   .scale_b = scale_b.raw(),
                                                   .shift = shift.raw(),
                                                   .rows = a.samples * a.channels,
                                                   .cols = a.cols,
                                                   .channels = a.channels});
  made.accesses = {block_access(a, false), block_access(b, false), block_access(y, true)};
  for (const Address vector : {scale_a, scale_b, shift}) {
    made.accesses.push_back(l1_vector(vector, a.channels, false));
  }
}

void Tape::affine_mask(const ChannelBlock& x, const ChannelBlock& dy, Address scale,
                       Address shift) {
  PlanOp& made = kernel<ETUDE_KERNEL_AFFINE_MASK>({.x = x.address.raw(),
                                                   .dy = dy.address.raw(),
                                                   .dst = dy.address.raw(),
                                                   .scale = scale.raw(),
                                                   .shift = shift.raw(),
                                                   .rows = x.samples * x.channels,
                                                   .cols = x.cols,
                                                   .channels = x.channels});
  made.accesses = {block_access(x, false), block_access(dy, true),
                   l1_vector(scale, x.channels, false), l1_vector(shift, x.channels, false)};
}

void Tape::batchnorm_scales(const NormVectors& v, std::uint32_t channels, float factor,
                            float epsilon) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_BATCHNORM_SCALES>({.gamma = v.gamma.raw(),
                                             .beta = v.beta.raw(),
                                             .mean = v.mean.raw(),
                                             .variance = v.variance.raw(),
                                             .scale = v.scale.raw(),
                                             .shift = v.shift.raw(),
                                             .rstd = v.rstd.raw(),
                                             .channels = channels,
                                             .factor = std::bit_cast<std::uint32_t>(factor),
                                             .epsilon = std::bit_cast<std::uint32_t>(epsilon)});
  for (const Address vector : {v.gamma, v.beta, v.mean, v.variance}) {
    if (vector != Address{}) {
      made.accesses.push_back(l1_vector(vector, channels, false));
    }
  }
  for (const Address vector : {v.scale, v.shift, v.rstd}) {
    if (vector != Address{}) {
      made.accesses.push_back(l1_vector(vector, channels, true));
    }
  }
}

void Tape::batchnorm_slopes(const NormVectors& v, Address dbeta, Address dgamma, Address scale_x,
                            std::uint32_t channels, float inverse) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_BATCHNORM_SLOPES>({.gamma = v.gamma.raw(),
                                             .mean = v.mean.raw(),
                                             .rstd = v.rstd.raw(),
                                             .dbeta = dbeta.raw(),
                                             .dgamma = dgamma.raw(),
                                             .scale_dy = v.scale.raw(),
                                             .scale_x = scale_x.raw(),
                                             .shift = v.shift.raw(),
                                             .channels = channels,
                                             .inverse = std::bit_cast<std::uint32_t>(inverse)});
  for (const Address vector : {v.gamma, v.mean, v.rstd, dbeta, dgamma}) {
    made.accesses.push_back(l1_vector(vector, channels, false));
  }
  for (const Address vector : {v.scale, scale_x, v.shift}) {
    made.accesses.push_back(l1_vector(vector, channels, true));
  }
}

}  // namespace etude::compiler
