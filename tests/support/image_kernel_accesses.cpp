// SPDX-License-Identifier: Apache-2.0
#include "tests/support/image_kernel_accesses.h"

#include <cstring>
#include <set>

namespace etude::test {

namespace {

const std::set<std::uint32_t> kImageKernels{ETUDE_KERNEL_IM2COL,
                                            ETUDE_KERNEL_IM2ROW,
                                            ETUDE_KERNEL_COL2IM,
                                            ETUDE_KERNEL_MAXPOOL,
                                            ETUDE_KERNEL_MAXPOOL_GRAD,
                                            ETUDE_KERNEL_AVGPOOL,
                                            ETUDE_KERNEL_AVGPOOL_GRAD,
                                            ETUDE_KERNEL_DEPTHWISE,
                                            ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT,
                                            ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT,
                                            ETUDE_KERNEL_AFFINE_ROWS,
                                            ETUDE_KERNEL_ROW_SUM,
                                            ETUDE_KERNEL_CHANNEL_SUMS,
                                            ETUDE_KERNEL_CHANNEL_PRODUCTS,
                                            ETUDE_KERNEL_AFFINE_PAIR,
                                            ETUDE_KERNEL_AFFINE_MASK,
                                            ETUDE_KERNEL_BATCHNORM_SCALES,
                                            ETUDE_KERNEL_BATCHNORM_SLOPES};

/// The kernel without dilations that touches what `kernel` does.
std::uint32_t plain(std::uint32_t kernel) {
  const std::uint32_t usual[] = {ETUDE_KERNEL_IM2COL,
                                 ETUDE_KERNEL_COL2IM,
                                 ETUDE_KERNEL_IM2ROW,
                                 ETUDE_KERNEL_MAXPOOL,
                                 ETUDE_KERNEL_MAXPOOL_GRAD,
                                 ETUDE_KERNEL_AVGPOOL,
                                 ETUDE_KERNEL_AVGPOOL_GRAD,
                                 ETUDE_KERNEL_DEPTHWISE,
                                 ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT,
                                 ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT};
  const bool apart =
      kernel >= ETUDE_KERNEL_IM2COL_DILATED && kernel <= ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT_DILATED;
  return apart ? usual[kernel - ETUDE_KERNEL_IM2COL_DILATED] : kernel;
}

KernelAccess vector_of(bool write, std::uint32_t address, std::uint32_t n) {
  return {write, address, 1, n, n};
}

std::vector<KernelAccess> window_accesses(std::uint32_t kernel, const std::uint32_t* words) {
  etude_window_args a;
  std::memcpy(&a, words, sizeof a);
  const std::uint32_t taps = (a.kernel >> 16 & 0x7FFF) * (a.kernel & 0xFFFF);
  const std::uint32_t outputs = (a.out_height & 0xFFFF) * (a.out_width & 0xFFFF);
  const auto image = [&](bool write, std::uint32_t address) {
    return KernelAccess{write, address, a.channels, a.height * a.width, a.channel_pitch};
  };
  const auto pooled = [&](bool write, std::uint32_t address) {
    return KernelAccess{write, address, a.channels, outputs, a.pitch};
  };
  const KernelAccess weights = vector_of(false, a.aux, a.channels * taps);
  switch (plain(kernel)) {
    case ETUDE_KERNEL_IM2COL:
      return {image(false, a.src), {true, a.dst, a.channels * taps, outputs, a.pitch}};
    case ETUDE_KERNEL_IM2ROW:
      return {image(false, a.src), {true, a.dst, outputs, a.channels * taps, a.pitch}};
    case ETUDE_KERNEL_COL2IM:
      return {{true, a.src, a.channels * taps, outputs, a.pitch}, image(true, a.dst)};
    case ETUDE_KERNEL_MAXPOOL:
    case ETUDE_KERNEL_AVGPOOL:
      return {image(false, a.src), pooled(true, a.dst)};
    case ETUDE_KERNEL_MAXPOOL_GRAD:
      return {pooled(false, a.src), image(true, a.dst), image(false, a.aux)};
    case ETUDE_KERNEL_AVGPOOL_GRAD:
      return {pooled(false, a.src), image(true, a.dst)};
    case ETUDE_KERNEL_DEPTHWISE:
      return {image(false, a.src), pooled(true, a.dst), weights};
    case ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT:
      return {pooled(false, a.src), image(true, a.dst), weights};
    default:
      return {image(false, a.src), pooled(false, a.aux), vector_of(true, a.dst, a.channels * taps)};
  }
}

/// Vectors of `channels`, of which those from number `first` on are written; 0 is none.
void add_vectors(std::vector<KernelAccess>& found, const std::vector<std::uint32_t>& addresses,
                 std::size_t first, std::uint32_t channels) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i] != 0) {
      found.push_back(vector_of(i >= first, addresses[i], channels));
    }
  }
}

std::vector<KernelAccess> norm_accesses(std::uint32_t kernel, const std::uint32_t* words) {
  std::vector<KernelAccess> found;
  if (kernel == ETUDE_KERNEL_CHANNEL_SUMS) {
    etude_channel_sums_args a;
    std::memcpy(&a, words, sizeof a);
    found.push_back(vector_of(false, a.src, a.samples * a.channels * a.cols));
    add_vectors(found, {a.mean, a.dst}, 1, a.channels);
  } else if (kernel == ETUDE_KERNEL_CHANNEL_PRODUCTS) {
    etude_channel_products_args a;
    std::memcpy(&a, words, sizeof a);
    const std::uint32_t n = a.samples * a.channels * a.cols;
    found = {vector_of(false, a.x, n), vector_of(false, a.dy, n)};
    add_vectors(found, {a.mean, a.rstd, a.dbeta, a.dgamma}, 2, a.channels);
  } else if (kernel == ETUDE_KERNEL_AFFINE_PAIR) {
    etude_affine_pair_args a;
    std::memcpy(&a, words, sizeof a);
    const std::uint32_t n = a.rows * a.cols;
    found = {vector_of(false, a.a, n), vector_of(false, a.b, n), vector_of(true, a.y, n)};
    add_vectors(found, {a.scale_a, a.scale_b, a.shift}, 3, a.channels);
  } else if (kernel == ETUDE_KERNEL_BATCHNORM_SCALES) {
    etude_batchnorm_scales_args a;
    std::memcpy(&a, words, sizeof a);
    add_vectors(found, {a.gamma, a.beta, a.mean, a.variance, a.scale, a.shift, a.rstd}, 4,
                a.channels);
  } else {
    etude_batchnorm_slopes_args a;
    std::memcpy(&a, words, sizeof a);
    add_vectors(found, {a.gamma, a.mean, a.rstd, a.dbeta, a.dgamma, a.scale_dy, a.scale_x, a.shift},
                5, a.channels);
  }
  return found;
}

}  // namespace

bool is_image_kernel(std::uint32_t kernel) { return kImageKernels.contains(plain(kernel)); }

std::vector<KernelAccess> image_accesses_of(const std::uint32_t* words) {
  if (words[0] == ETUDE_KERNEL_AFFINE_ROWS) {
    etude_affine_rows_args a;
    std::memcpy(&a, words + 1, sizeof a);
    std::vector<KernelAccess> found{{false, a.x, a.rows, a.cols, a.pitch_x},
                                    {true, a.y, a.rows, a.cols, a.pitch_y}};
    for (const std::uint32_t vector : {a.scale, a.shift}) {
      if (vector != 0) {
        found.push_back(vector_of(false, vector, a.channels));
      }
    }
    return found;
  }
  if (words[0] == ETUDE_KERNEL_AFFINE_MASK) {
    etude_affine_mask_args a;
    std::memcpy(&a, words + 1, sizeof a);
    const std::uint32_t n = a.rows * a.cols;
    return {vector_of(false, a.x, n), vector_of(false, a.dy, n), vector_of(true, a.dst, n),
            vector_of(false, a.scale, a.channels), vector_of(false, a.shift, a.channels)};
  }
  if (words[0] >= ETUDE_KERNEL_CHANNEL_SUMS && words[0] <= ETUDE_KERNEL_BATCHNORM_SLOPES) {
    return norm_accesses(words[0], words + 1);
  }
  if (words[0] == ETUDE_KERNEL_ROW_SUM) {
    etude_row_sum_args a;
    std::memcpy(&a, words + 1, sizeof a);
    return {{false, a.src, a.rows, a.cols, a.pitch_src}, vector_of(true, a.dst, a.rows)};
  }
  return window_accesses(words[0], words + 1);
}

}  // namespace etude::test
