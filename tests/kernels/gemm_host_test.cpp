// SPDX-License-Identifier: Apache-2.0
// The division of work of the GEMM kernel (blocks, tails, workers), compiled for this machine; the
// inner loops of the real cores are tested by running the ELF.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "models/numerics/softfloat.h"
#include "models/redmule/chain.h"
#include "models/redmule/redmule_regs.h"
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

TEST_CASE("FP16 GEMM: every element is the chain of fused operations, and RedMulE's", "[gemm]") {
  Arena arena(1u << 14);
  Numbers numbers(3);
  std::uint32_t flags_raised = 0;
  for (unsigned n = 0; n < 300; ++n) {
    arena.clear();
    const unsigned rows = 1 + numbers.below(20), inner = 4 * (1 + numbers.below(6)),
                   cols = 1 + numbers.below(30);
    const unsigned flags = numbers.below(4) | ETUDE_GEMM_ACCUMULATE;
    const unsigned workers = 1 + numbers.below(9);
    const bool ta = flags & ETUDE_GEMM_TRANS_A, tb = flags & ETUDE_GEMM_TRANS_B;
    // X, W and Y as RedMulE has them, and A and B as the kernel does
    const auto draw = [&](std::size_t count) {
      std::vector<std::uint16_t> halves(count);
      for (std::uint16_t& half : halves) {
        half =
            static_cast<std::uint16_t>((numbers.bits() & 0x83ff) | (10 + numbers.below(6)) << 10);
      }
      return halves;
    };
    const std::vector<std::uint16_t> x = draw(rows * inner), w = draw(inner * cols),
                                     y = draw(rows * cols);
    const auto place = [&](const std::vector<std::uint16_t>& halves, unsigned high, unsigned wide,
                           bool transposed) {
      const std::uint32_t address = arena.matrix(1, (high * wide + 1) / 2);
      auto* at = reinterpret_cast<std::uint16_t*>(arena.word(address));
      for (unsigned i = 0; i < high; ++i) {
        for (unsigned j = 0; j < wide; ++j) {
          at[transposed ? j * high + i : i * wide + j] = halves[i * wide + j];
        }
      }
      return address;
    };
    etude_gemm_args args{};
    args.a = place(x, rows, inner, ta);
    args.b = place(w, inner, cols, tb);
    args.c = place(y, rows, cols, false);
    args.rows = rows;
    args.inner = inner;
    args.cols = cols;
    args.pitch_a = ta ? rows : inner;
    args.pitch_b = tb ? inner : cols;
    args.pitch_c = cols;
    args.flags = flags;
    run_on_host(etude_gemm_fp16, &args, workers);
    std::vector<std::uint16_t> got(rows * cols), array(rows * cols);
    std::memcpy(got.data(), arena.word(args.c), 2 * got.size());
    const auto bytes = [](const std::vector<std::uint16_t>& halves) {
      return reinterpret_cast<const std::uint8_t*>(halves.data());
    };
    etude::replay_chain({.m = rows,
                         .n = inner,
                         .k = cols,
                         .op = ETUDE_REDMULE_OP_GEMM,
                         .format = ETUDE_REDMULE_FMT_FP16},
                        etude::RedmuleConfig{}, {bytes(x), bytes(w), bytes(y)},
                        reinterpret_cast<std::uint8_t*>(array.data()));
    INFO(rows << "x" << inner << "x" << cols << " flags " << flags << " workers " << workers);
    REQUIRE(got == array);
    for (unsigned i = 0; i < rows; ++i) {
      for (unsigned j = 0; j < cols; ++j) {
        std::uint16_t sum = y[i * cols + j];
        for (unsigned k = 0; k < inner; ++k) {
          sum = etude::fp::f16_fma(x[i * inner + k], w[k * cols + j], sum,
                                   etude::fp::Rounding::kRne, flags_raised);
        }
        REQUIRE(got[i * cols + j] == sum);
      }
    }
  }
  CHECK((flags_raised & etude::fp::kInexact) != 0);
}
