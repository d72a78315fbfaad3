// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kernel_accesses.h"

#include <map>
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

/// The struct that a kernel reads its arguments from, and its function.
struct Row {
  const char* args;
  KernelFunction function;
};

const Row& row_of(std::uint32_t kernel) {
#define ETUDE_ROW(e, number, name, args) {#args, etude_##name},
  static const Row rows[] = {ETUDE_KERNEL_LIST(ETUDE_ROW)};
#undef ETUDE_ROW
  if (kernel >= std::size(rows)) {
    throw std::runtime_error("there is no kernel " + std::to_string(kernel));
  }
  return rows[kernel];
}

/// By the name of that struct.
const std::vector<Operand>& operands_of(const std::string& args) {
  constexpr bool kIn = false, kOut = true;
  static const std::map<std::string, std::vector<Operand>> table{
      {"fill", {{kOut, 1, 2, 3, 4}}},
      {"binary", {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {"unary", {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {"result_grad", {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {"function", {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {"function_grad", {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {"maximum_grad",
       {{kIn, 1, 5, 6, 7}, {kIn, 2, 5, 6, 8}, {kIn, 3, 5, 6, 9}, {kOut, 4, 5, 6, 10}}},
      {"add_row", {{kIn, 1, 4, 5, 6}, {kIn, 2, -1, 5, -1}, {kOut, 3, 4, 5, 7}}},
      {"momentum", {{kOut, 1, 4, 5, 6}, {kIn, 2, 4, 5, 6}, {kOut, 3, 4, 5, 6}}},
      {"adam", {{kOut, 1, 5, 6, 7}, {kIn, 2, 5, 6, 7}, {kOut, 3, 5, 6, 7}, {kOut, 4, 5, 6, 7}}},
      {"layernorm",
       {{kIn, 1, 6, 7, 8},
        {kOut, 2, 6, 7, 9},
        {kIn, 3, -1, 7, -1},
        {kIn, 4, -1, 7, -1},
        {kOut, 5, 6, kPair, kPair}}},
      {"layernorm_stats", {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, kPair, kPair}}},
      {"layernorm_grad",
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, 6, 7, 9},
        {kIn, 3, -1, 7, -1},
        {kIn, 4, 6, kPair, kPair},
        {kOut, 5, 6, 7, 10}}},
      {"layernorm_affine_grad",
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, 6, 7, 9},
        {kIn, 3, 6, kPair, kPair},
        {kOut, 4, -1, 7, -1},
        {kOut, 5, -1, 7, -1}}},
      {"softmax", {{kIn, 1, 3, 4, 5}, {kOut, 2, 3, 4, 6}}},
      {"softmax_grad", {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {"softmax_grad_any", {{kIn, 1, 4, 5, 6}, {kIn, 2, 4, 5, 7}, {kOut, 3, 4, 5, 8}}},
      {"gelu", {{kIn, 1, 4, 5, 6}, {kOut, 2, 4, 5, 7}, {kIn, 3, -1, 5, -1}}},
      {"gelu_grad",
       {{kIn, 1, 5, 6, 7}, {kIn, 2, 5, 6, 8}, {kOut, 3, 5, 6, 9}, {kIn, 4, -1, 6, -1}}},
      {"cross_entropy",
       {{kIn, 1, 6, 7, 8},
        {kIn, 2, -1, 6, -1},
        {kOut, 3, 6, 7, 9},
        {kOut, 4, 6, 7, 10},
        {kOut, 5, -1, -1, -1}}},
      {"cross_entropy_grad", {{kIn, 1, 4, 5, 6}, {kIn, 2, -1, 4, -1}, {kOut, 3, 4, 5, 7}}},
      {"mse", {{kIn, 1, 5, 6, 7}, {kIn, 2, 5, 6, 8}, {kOut, 3, 5, 6, 9}, {kOut, 4, -1, -1, -1}}},
      {"gather", {{kIn, 1, 5, 7, 8}, {kIn, 2, -1, 6, -1}, {kOut, 3, 6, 7, 9}}},
      {"scatter_add", {{kOut, 1, 5, 7, 8}, {kIn, 2, -1, 6, -1}, {kIn, 3, 6, 7, 9}}},
  };
  const auto found = table.find(args);
  if (found == table.end()) {
    throw std::runtime_error("accesses of kernels with etude_" + args +
                             "_args are not written down");
  }
  return found->second;
}

}  // namespace

std::vector<KernelAccess> accesses_of(const std::uint32_t* words) {
  if (is_image_kernel(words[0])) {
    return image_accesses_of(words);
  }
  std::vector<KernelAccess> found;
  const bool scatters = words[0] == ETUDE_KERNEL_SCATTER_ADD;  // a gather the other way round
  for (const Operand& o : operands_of(scatters ? "scatter_add" : row_of(words[0]).args)) {
    const auto number = [&](int at) { return at == kPair ? 2u : at < 0 ? 1u : words[at]; };
    const std::uint32_t cols = number(o.cols);
    if (words[o.address] != 0) {
      found.push_back(
          {o.write, words[o.address], number(o.rows), cols, o.pitch < 0 ? cols : words[o.pitch]});
    }
  }
  return found;
}

KernelFunction function_of(std::uint32_t kernel) { return row_of(kernel).function; }

}  // namespace etude::test
