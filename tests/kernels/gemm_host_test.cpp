// SPDX-License-Identifier: Apache-2.0
// The division of work of the GEMM kernel (blocks, tails, workers), compiled for this machine; the
// inner loops of the real cores are tested by running the ELF.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

// One product with every pitch larger than its row; true if the result equals the chain bit by bit
// and nothing else has changed.
bool gemm_is_right(Arena& arena, unsigned rows, unsigned inner, unsigned cols, unsigned flags,
                   unsigned workers, Numbers& numbers) {
  arena.clear();
  const bool ta = flags & ETUDE_GEMM_TRANS_A;
  const bool tb = flags & ETUDE_GEMM_TRANS_B;
  const std::vector<float> a = numbers.vector(rows * inner);
  const std::vector<float> b = numbers.vector(inner * cols);
  const std::vector<float> c = numbers.vector(rows * cols);
  const std::vector<float> bias = numbers.vector(cols);
  etude_gemm_args args{};
  args.rows = rows;
  args.inner = inner;
  args.cols = cols;
  args.flags = flags;
  args.pitch_a = (ta ? rows : inner) + numbers.below(3);
  args.pitch_b = (tb ? inner : cols) + numbers.below(3);
  args.pitch_c = cols + numbers.below(3);
  args.a = arena.matrix(ta ? inner : rows, ta ? rows : inner, args.pitch_a, a);
  args.b = arena.matrix(tb ? cols : inner, tb ? inner : cols, args.pitch_b, b);
  args.c = arena.matrix(rows, cols, args.pitch_c, c);
  args.bias = arena.matrix(1, cols, cols, bias);
  arena.snapshot();
  run_on_host(etude_gemm, &args, workers);
  const std::vector<float> got = arena.read(args.c, rows, cols, args.pitch_c);
  for (unsigned i = 0; i < rows; ++i) {
    for (unsigned j = 0; j < cols; ++j) {
      float sum = flags & ETUDE_GEMM_ACCUMULATE ? c[i * cols + j] : 0.0f;
      if (flags & ETUDE_GEMM_BIAS) {
        sum = flags & ETUDE_GEMM_ACCUMULATE ? sum + bias[j] : bias[j];
      }
      for (unsigned k = 0; k < inner; ++k) {
        sum = std::fma(a[ta ? k * rows + i : i * inner + k], b[tb ? j * inner + k : k * cols + j],
                       sum);
      }
      if (flags & ETUDE_GEMM_RELU) {
        sum = sum > 0 ? sum : 0.0f;
      }
      if (bits_of(sum) != bits_of(got[i * cols + j])) {
        return false;
      }
    }
  }
  return arena.only_changed(args.c, rows, cols, args.pitch_c);
}

}  // namespace

TEST_CASE("GEMM: all sizes 1..9, all transpositions and endings, 1..16 workers", "[gemm]") {
  Arena arena(1u << 14);
  Numbers numbers(1);
  unsigned n = 0;
  for (unsigned rows = 1; rows <= 9; ++rows) {
    for (unsigned inner = 1; inner <= 9; ++inner) {
      for (unsigned cols = 1; cols <= 9; ++cols) {
        const unsigned flags = n % 32;
        const unsigned workers = 1 + n % 16;
        n += 7;
        INFO(rows << "x" << inner << "x" << cols << " flags " << flags << " workers " << workers);
        REQUIRE(gemm_is_right(arena, rows, inner, cols, flags, workers, numbers));
      }
    }
  }
}

TEST_CASE("GEMM: drawn shapes up to 70", "[gemm]") {
  Arena arena(1u << 16);
  Numbers numbers(2);
  for (unsigned n = 0; n < 200; ++n) {
    const unsigned rows = 1 + numbers.below(70), inner = 1 + numbers.below(40),
                   cols = 1 + numbers.below(70);
    const unsigned flags = numbers.below(32), workers = 1 + numbers.below(16);
    INFO(rows << "x" << inner << "x" << cols << " flags " << flags << " workers " << workers);
    REQUIRE(gemm_is_right(arena, rows, inner, cols, flags, workers, numbers));
  }
}
