// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kernel_accesses.h"

#include <stdexcept>
#include <string>

#include "tests/support/image_kernel_accesses.h"

namespace etude::test {

namespace {

/// Positions of an operand's numbers among the words of the operation; -1: 1 row or column;
/// kPair: two floats per row; a pitch of -1: dense. An address of 0 is no operand.
struct Operand {
  bool write;
  int address, rows, cols, pitch;
};
constexpr int kPair = -2;

struct Entry {
  etude_kernel kernel;
  KernelFunction function;
  std::vector<Operand> operands;
};

const std::vector<Entry>& entries() {
  constexpr bool kIn = false, kOut = true;
  static const std::vector<Entry> table{
      {ETUDE_KERNEL_FILL, etude_fill, {{kOut, 1, 2, 3, 4}}},
      {ETUDE_KERNEL_ADD, etude_add, {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_MUL, etude_mul, {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_SUB, etude_sub, {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_DIV, etude_div, {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_SCALE, etude_scale, {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {ETUDE_KERNEL_COPY, etude_copy, {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {ETUDE_KERNEL_RELU, etude_relu, {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {ETUDE_KERNEL_RELU6, etude_relu6, {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {ETUDE_KERNEL_RELU6_GRAD,
       etude_relu6_grad,
       {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_ADD_ROW,
       etude_add_row,
       {{kIn, 1, 4, 5, 6}, {kIn, 2, -1, 5, -1}, {kOut, 3, 4, 5, 7}}},
      {ETUDE_KERNEL_MOMENTUM,
       etude_momentum,
       {{kOut, 1, 4, 5, 6}, {kIn, 2, 4, 5, 6}, {kOut, 3, 4, 5, 6}}},
      {ETUDE_KERNEL_ADAM,
       etude_adam,
       {{kOut, 1, 5, 6, 7}, {kIn, 2, 5, 6, 7}, {kOut, 3, 5, 6, 7}, {kOut, 4, 5, 6, 7}}},
      {ETUDE_KERNEL_LAYERNORM,
       etude_layernorm,
       {{kIn, 1, 6, 7, 8},
        {kOut, 2, 6, 7, 9},
        {kIn, 3, -1, 7, -1},
        {kIn, 4, -1, 7, -1},
        {kOut, 5, 6, kPair, kPair}}},
      {ETUDE_KERNEL_LAYERNORM_STATS,
       etude_layernorm_stats,
       {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, kPair, kPair}}},
      {ETUDE_KERNEL_LAYERNORM_GRAD,
       etude_layernorm_grad,
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, 6, 7, 9},
        {kIn, 3, -1, 7, -1},
        {kIn, 4, 6, kPair, kPair},
        {kOut, 5, 6, 7, 10}}},
      {ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD,
       etude_layernorm_affine_grad,
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, 6, 7, 9},
        {kIn, 3, 6, kPair, kPair},
        {kOut, 4, -1, 7, -1},
        {kOut, 5, -1, 7, -1}}},
      {ETUDE_KERNEL_SOFTMAX, etude_softmax, {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {ETUDE_KERNEL_SOFTMAX_GRAD,
       etude_softmax_grad,
       {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {ETUDE_KERNEL_GELU, etude_gelu, {{kIn, 1, 4, 5, 6}, {kOut, 2, 4, 5, 7}, {kIn, 3, -1, 5, -1}}},
      {ETUDE_KERNEL_GELU_GRAD,
       etude_gelu_grad,
       {{kIn, 1, 5, 6, 7}, {kIn, 2, 5, 6, 8}, {kOut, 3, 5, 6, 9}, {kIn, 4, -1, 6, -1}}},
      {ETUDE_KERNEL_CROSS_ENTROPY,
       etude_cross_entropy,
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, -1, 6, -1},
        {kOut, 3, 6, 7, 9},
        {kOut, 4, 6, 7, 10},
        {kOut, 5, -1, -1, -1}}},
      {ETUDE_KERNEL_CROSS_ENTROPY_GRAD,
       etude_cross_entropy_grad,
       {{kIn, 1, 4, 5, 6}, {kIn, 2, -1, 4, -1}, {kOut, 3, 4, 5, 7}}},
  };
  return table;
}

const Entry& entry_of(std::uint32_t kernel) {
  for (const Entry& entry : entries()) {
    if (entry.kernel == kernel) {
      return entry;
    }
  }
  throw std::runtime_error("accesses of kernel " + std::to_string(kernel) +
                           " are not written down");
}

}  // namespace

std::vector<KernelAccess> accesses_of(const std::uint32_t* words) {
  if (is_image_kernel(words[0])) {
    return image_accesses_of(words);
  }
  std::vector<KernelAccess> found;
  for (const Operand& o : entry_of(words[0]).operands) {
    const auto number = [&](int at) { return at == kPair ? 2u : at < 0 ? 1u : words[at]; };
    const std::uint32_t cols = number(o.cols);
    if (words[o.address] != 0) {
      found.push_back(
          {o.write, words[o.address], number(o.rows), cols, o.pitch < 0 ? cols : words[o.pitch]});
    }
  }
  return found;
}

KernelFunction function_of(std::uint32_t kernel) {
  return is_image_kernel(kernel) ? image_function_of(kernel) : entry_of(kernel).function;
}

}  // namespace etude::test
